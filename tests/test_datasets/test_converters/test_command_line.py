import pytest

from oaformer.datasets.converters.command_line import out_file, val_names

NAMES = [f'{number:03d}.jpg' for number in range(100)]


def test_out_file():
    assert out_file('data/cups.json', 'val') == 'data/cups_val.json'
    assert out_file('data/cups.json', '') == 'data/cups.json'


@pytest.mark.parametrize(
    ('number', 'fraction', 'expected'),
    [(100, 0.2, 20), (10, 0.25, 2), (3, 0.01, 1), (2, 0.9, 1), (1, 0.5, 0)],
)
def test_number_of_images_to_validate_on(number, fraction, expected):
    assert len(val_names(NAMES[:number], fraction)) == expected


def test_names_alone_choose():
    chosen = val_names(NAMES, 0.2)
    assert chosen == val_names(NAMES[::-1], 0.2) < set(NAMES)
    # not the first ones, and more for a larger share
    assert chosen != set(NAMES[:20])
    assert chosen < val_names(NAMES, 0.4)
    # few change sides when images come in
    assert len(chosen & val_names(NAMES + ['new.jpg', 'next.jpg'], 0.2)) >= 18
