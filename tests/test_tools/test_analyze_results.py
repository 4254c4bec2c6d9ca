import runpy

import cv2
import numpy as np
import pytest
from report_scene import CLASSES, HEIGHT, WIDTH, annotations, write_run

FILES = ('config.py', 'predictions.pkl')


@pytest.fixture
def main(repo_root):
    tool = repo_root / 'tools' / 'analysis_tools' / 'analyze_results.py'
    return runpy.run_path(str(tool))['main']


@pytest.fixture
def folder(tmp_path):
    """Config, annotations, one of the two images, and predictions."""
    (tmp_path / 'images').mkdir()
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / 'images' / '1 & co.png'), image)
    write_run(tmp_path)
    return tmp_path


def test_in_the_working_folder(main, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    main(['config.py', 'predictions.pkl', '--out', 'pages/report.html'])
    assert 'pages/report.html: 10 cases, ' in capsys.readouterr().out
    page = (folder / 'pages' / 'report.html').read_text()
    # The second image is missing: two missed objects.
    assert page.count('Image not found: ') == 2


def test_page_in_a_browser(main, folder, chromium_page):
    main(
        [str(folder / name) for name in FILES]
        + ['--out', str(folder / 'report.html'), '--number', '2']
    )
    page = chromium_page
    requests, complaints = [], []
    page.on('request', lambda request: requests.append(request.url))
    page.on('console', lambda message: complaints.append(message.text))
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.goto((folder / 'report.html').as_uri())

    assert [url for url in requests if not url.startswith(('file:', 'data:'))] == []
    assert complaints == []
    assert page.locator('h1').inner_text() == 'Amodal instance segmentation: config'
    # Names are text, not markup.
    assert page.locator('#classes + section tbody th').all_inner_texts() == [
        *CLASSES[:2]
    ]
    assert page.locator('.card b').count() == 0
    widths = page.locator('img').evaluate_all('all => all.map(i => i.naturalWidth)')
    assert len(widths) == 8 and min(widths) > 400
    assert page.locator('svg').count() == 3
    image = page.locator('img').first
    image.click()
    assert image.bounding_box()['width'] == 1280
    page.mouse.click(640, 450)
    assert image.bounding_box()['width'] < 640
    for width in (1280, 400):
        page.set_viewport_size(dict(width=width, height=900))
        assert page.evaluate('document.documentElement.scrollWidth') <= width

    def colors():
        style = 'element => getComputedStyle(element)'
        return (
            page.locator('body').evaluate(f'{style}.backgroundColor'),
            page.locator('svg text').first.evaluate(f'{style}.fill'),
        )

    light = colors()
    page.emulate_media(color_scheme='dark')
    dark = colors()
    assert light[0] != dark[0] and light[1] != dark[1]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['absent.py', 'predictions.pkl'], 'no config absent.py'),
        (['config.py', 'val.json'], 'val.json could not be read as a pickle file'),
        ([*FILES, '--cfg-options', 'test_evaluator=[]'], 'test_evaluator has none'),
        (
            [*FILES, '--cfg-options', 'test_evaluator.ann_file=absent.json'],
            'absent.json: annotation file not found',
        ),
    ],
)
def test_what_is_wrong_is_said(main, folder, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit, match=message):
        main(arguments)
    assert not (folder / 'report.html').exists()


def test_other_image_folder(main, folder):
    """Images moved since the test run are found in the data set's folder."""
    image_finder = main.__wrapped__.__globals__['image_finder']
    images = {item['id']: item for item in annotations()['images']}
    moved = [dict(img_id=1, img_path='/gone/1.png'), dict(img_id=2)]
    find = image_finder(moved, images, folder / 'images')
    assert find(1) == folder / 'images' / '1 & co.png'
    here = [dict(img_id=1, img_path=str(folder / 'val.json'))]
    find = image_finder(here, images, folder / 'images')
    assert find(1) == folder / 'val.json'
