import numpy as np
import pytest

from oaformer.datasets.compositing import OcclusionTarget


def test_rates_are_drawn_from_the_bins_by_their_shares():
    target = OcclusionTarget.parse(['0.4-0.8:0.1', '0.1-0.3:0.3'])
    assert target.occluded_share == pytest.approx(0.4)
    rates = target.draw(np.random.default_rng(0), 4000)
    low = (rates >= 0.12) & (rates <= 0.28)
    high = (rates >= 0.42) & (rates <= 0.78)
    assert (low | high).all()
    assert low.mean() == pytest.approx(0.75, abs=0.03)
    assert rates[high].mean() == pytest.approx(0.6, abs=0.02)
    assert len(OcclusionTarget.parse([]).draw(np.random.default_rng(0), 0)) == 0


def test_narrow_bins_are_hit():
    rates = OcclusionTarget.parse(['0.50-0.51:1']).draw(np.random.default_rng(0), 50)
    assert ((rates >= 0.5) & (rates < 0.51)).all()


def test_table_by_hand():
    target = OcclusionTarget.parse(['0.1-0.3:0.25', '0.3-0.7:0.25'])
    table = target.table([0, 0, 0, 0.1, 0.3, 0.5, 0.05, 0.7])
    rows = [line.split() for line in table.splitlines()[1:]]
    assert rows == [
        ['unoccluded', '50.0%', '37.5%', '3'],
        ['0.1-0.3', '25.0%', '12.5%', '1'],
        ['0.3-0.7', '25.0%', '25.0%', '2'],
        ['other', 'rates', '0.0%', '25.0%', '2'],
    ]
    assert '-        0' in target.table([])


@pytest.mark.parametrize(
    'texts, message',
    [
        (['half'], "'half' is not LOW-HIGH:SHARE"),
        (['0-0.5:0.5'], '0 < LOW < HIGH < 1'),
        (['0.5-0.2:0.5'], '0 < LOW < HIGH < 1'),
        (['0.1-0.2:0.6', '0.2-0.4:0.6'], 'are 1.2 > 1'),
        (['0.1-0.3:0.2', '0.2-0.4:0.2'], '0.1-0.3 and 0.2-0.4 overlap'),
    ],
)
def test_what_can_not_be_wanted(texts, message):
    with pytest.raises(ValueError, match=message):
        OcclusionTarget.parse(texts)
