import http.cookiejar
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import types
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import cv2
import known_scene
import numpy as np
import pytest
from tiny_checkpoint import NUM_INSTANCES, write_tiny_checkpoint

gradio = pytest.importorskip(
    'gradio', reason="no Gradio: pip install -e '.[web]'", exc_type=ImportError
)

from oaformer.apis.web_page import _download, build_page, launch_page  # noqa: E402
from oaformer.apis.web_prediction import predict_file  # noqa: E402

TOOL = str(Path(__file__).resolve().parents[2] / 'tools' / 'web_demo.py')


@pytest.fixture
def main():
    return runpy.run_path(TOOL)['main']


def free_port():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]


@pytest.fixture(scope='module')
def inferencer():
    return known_scene.KnownInferencer()


@pytest.fixture(scope='module')
def address(inferencer, tmp_path_factory):
    """A served page: threshold 0.5, uploads of at most 1 MB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('GRADIO_ANALYTICS_ENABLED', 'False')
        patch.setenv('GRADIO_TEMP_DIR', str(tmp_path_factory.mktemp('gradio')))
        page = build_page(inferencer, 0.5, 'known <b>scene</b>')
        yield launch_page(page, port=free_port(), max_upload_mb=1)
        page.close()


@pytest.fixture
def completing(chromium_page):
    """A page with a model that completes objects, open in a browser."""
    page = build_page(known_scene.KnownInferencer(can_complete=True), 0.5)
    chromium_page.goto(launch_page(page, port=free_port()))
    yield chromium_page
    page.close()


@pytest.fixture
def scene(tmp_path):
    path = tmp_path / 'scene.png'
    cv2.imwrite(str(path), known_scene.scene_image())
    return path


@pytest.fixture
def opened(chromium_page, address):
    """The page in a browser; fails on errors and requests to other hosts."""
    errors, urls = [], []
    # Playwright takes no built-in method.
    chromium_page.on('pageerror', lambda error: errors.append(error))
    chromium_page.on('request', lambda request: urls.append(request.url))
    chromium_page.goto(address)
    yield chromium_page
    assert errors == []
    foreign = [url for url in urls if not url.startswith((address, 'data:', 'blob:'))]
    assert foreign == []


def upload(page, file):
    page.locator('#upload input[type=file]').set_input_files(file)


def wait_for_text(page, place, text):
    page.locator(place, has_text=text).wait_for()


def rows(page):
    """Texts of the table's rows."""
    table = page.locator('#table [role=row]:has(.swatch)')
    return [row.inner_text().split() for row in table.all()]


def wait_for_rows(page, number):
    # Gradio's table has a hidden row more, which has no role.
    swatches = "document.querySelectorAll('#table [role=row] .swatch')"
    page.wait_for_function(f'{swatches}.length == {number}')


def set_threshold(page, value):
    box = page.locator('#threshold input[type=number]')
    box.fill(str(value))
    box.press('Enter')


def test_image_is_drawn_and_listed(opened, inferencer, scene, tmp_path):
    assert '<b>' in opened.locator('.legend').first.inner_text()
    calls = inferencer.model.calls
    upload(opened, scene)
    wait_for_text(opened, '#message', 'scene.png: 320 x 200 pixels')
    wait_for_text(opened, '#caption', '2 of 3 instances')
    opened.locator('#drawn img').wait_for()
    wait_for_rows(opened, 2)
    assert rows(opened) == [['cup', '0.90', '0.00', '0'], ['box', '0.80', '0.32', '1']]

    drawing = tmp_path / 'drawing.jpg'
    source = opened.locator('#drawn img').get_attribute('src')
    drawing.write_bytes(opened.request.get(source).body())
    drawn = cv2.imread(str(drawing))
    assert drawn.shape[1] == 3 * 320
    # The swatch has the color of the outline: the cup's left edge, in the image's
    # middle and below the header.
    header = drawn.shape[0] - 3 * 200
    blue, green, red = drawn[header + 3 * 100, 3 * 20].tolist()
    color = opened.locator('#table .swatch').first.get_attribute('style')
    swatch = [int(value) for value in re.findall(r'\d+', color)]
    assert swatch == pytest.approx([red, green, blue], abs=60)

    set_threshold(opened, 0.2)
    wait_for_text(opened, '#caption', '3 of 3 instances')
    wait_for_rows(opened, 3)
    # A class's name is text, not markup.
    assert rows(opened)[2] == ['<i>plate</i>', '0.30', '0.05', '0']
    set_threshold(opened, 1)
    wait_for_text(opened, '#caption', '0 of 3 instances; the highest score is 0.90')
    wait_for_rows(opened, 0)
    # Only the upload was shown to the model.
    assert inferencer.model.calls == calls + 1


def test_view_and_download(opened, inferencer, scene):
    upload(opened, scene)
    image = opened.locator('#drawn img')
    image.wait_for()
    before = image.get_attribute('src')
    opened.get_by_label('invisible').check()
    opened.wait_for_function(
        "before => document.querySelector('#drawn img').src != before", arg=before
    )
    with opened.expect_download() as download:
        opened.locator('#download').click()
    assert download.value.suggested_filename == 'scene.json'
    saved = json.loads(open(download.value.path()).read())
    # Every instance, also those below the threshold, as the inferencer writes them.
    expected = inferencer(str(scene))['predictions'][0]
    assert saved == {**expected, 'img_path': 'scene.png'}
    assert len(saved['invisible_masks']) == 3


def click_image(page, x, y):
    """Click on a pixel of the scene, below the drawing's header."""
    image = page.locator('#drawn img')
    image.wait_for()
    width, height = image.evaluate('image => [image.naturalWidth, image.naturalHeight]')
    shown = image.bounding_box()
    scale = shown['width'] / width
    header = height - 3 * 200
    at = dict(x=(3 * x + 1) * scale, y=(header + 3 * y + 1) * scale)
    image.click(position=at)


def test_a_click_completes_an_instance_again(completing, scene):
    upload(completing, scene)
    wait_for_rows(completing, 2)
    # of the cup and the box behind it, the smaller box
    click_image(completing, 150, 100)
    wait_for_text(completing, '#message', 'completed: box 0.46, occlusion rate 0.25')
    wait_for_text(completing, '#table [role=row]', '0.46')
    assert rows(completing) == [
        ['cup', '0.90', '0.00', '0'],
        ['box', '0.46', '0.25', '1'],
    ]
    # its score is below the threshold, which falls
    lowest = completing.locator('#threshold input[type=number]')
    assert lowest.input_value() == '0.46'
    click_image(completing, 310, 190)
    wait_for_text(completing, '#message', 'there is no instance')
    with completing.expect_download() as download:
        completing.locator('#download').click()
    saved = json.loads(open(download.value.path()).read())
    assert saved['scores'] == pytest.approx([0.9, 0.46, 0.3])


def test_two_clicks_complete_a_box_of_a_class(completing, scene, tmp_path):
    upload(completing, scene)
    wait_for_rows(completing, 2)
    completing.get_by_label('is a corner of a box').check()
    completing.get_by_label('Class of the completed object').click()
    completing.get_by_role('option', name='cup').click()
    click_image(completing, 260, 150)
    wait_for_text(completing, '#message', 'corner (260, 150)')
    click_image(completing, 200, 180)
    wait_for_text(completing, '#message', 'completed: cup 0.46')
    wait_for_rows(completing, 3)
    with completing.expect_download() as download:
        completing.locator('#download').click()
    saved = json.loads(open(download.value.path()).read())
    assert saved['bboxes'][2] == [200, 150, 261, 181]


def test_mask_files(completing, scene, tmp_path):
    mask = tmp_path / 'mask.png'
    bitmap = np.zeros((200, 320), np.uint8)
    cv2.imwrite(str(mask), bitmap)
    field = completing.locator('#mask input[type=file]')
    field.set_input_files(mask)
    wait_for_text(completing, '#message', 'the mask of which image?')
    upload(completing, scene)
    wait_for_rows(completing, 2)
    field.set_input_files(mask)
    wait_for_text(completing, '#message', 'object 0: the visible mask is empty')
    bitmap[10:20, 30:50] = 255
    cv2.imwrite(str(mask), bitmap)
    field.set_input_files(mask)
    wait_for_text(completing, '#message', 'completed: box 0.46')
    wait_for_rows(completing, 3)
    cv2.imwrite(str(mask), bitmap[:100])
    field.set_input_files(mask)
    wait_for_text(completing, '#message', 'the visible mask has the shape (100, 320)')
    # what went wrong leaves the instances as they are
    wait_for_rows(completing, 3)


def test_a_model_without_prompts_offers_no_completion(opened, scene):
    upload(opened, scene)
    wait_for_rows(opened, 2)
    assert opened.locator('#mask').count() == 0
    click_image(opened, 150, 100)
    assert 'completed' not in opened.locator('#message').inner_text()


def test_what_is_not_an_image_is_named_and_the_next_works(opened, scene, tmp_path):
    upload(opened, scene)
    wait_for_rows(opened, 2)
    fake, large, notes = (tmp_path / f for f in ('fake.jpg', 'large.jpg', 'notes.txt'))
    fake.write_text('no image')
    large.write_bytes(bytes(2**20 + 1))
    notes.write_text('no image')
    upload(opened, fake)
    wait_for_text(opened, '#message', 'fake.jpg is not an image')
    # The message of one file is not beside the instances of another.
    wait_for_rows(opened, 0)
    assert opened.locator('#drawn img').count() == 0
    assert 'Traceback' not in opened.content()

    upload(opened, large)
    wait_for_text(opened, '[data-testid=toast-body]', 'exceed the maximum allowed size')
    upload(opened, notes)
    wait_for_text(opened, '[data-testid=toast-body]', 'Invalid file type')

    upload(opened, scene)
    wait_for_text(opened, '#message', 'scene.png')
    wait_for_rows(opened, 2)


def test_server_refuses_large_uploads_too(address):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    )
    body += bytes(2**20 + 1) + b'\r\n--x--\r\n'
    request = urllib.request.Request(
        address + 'gradio_api/upload',
        body,
        {'Content-Type': 'multipart/form-data; boundary=x'},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 413


def test_page_is_local_and_without_telemetry(address):
    assert address.startswith('http://127.0.0.1:')
    config = json.load(urllib.request.urlopen(address + 'config'))
    assert config['analytics_enabled'] is False
    # Nothing can be called but through the page.
    info = json.load(urllib.request.urlopen(address + 'gradio_api/info'))
    assert info == dict(named_endpoints={}, unnamed_endpoints={})


def status(address, cookies=None, **form):
    """Status of a page's answer, as a browser with these cookies gets it."""
    data = urllib.parse.urlencode(form).encode() if form else None
    cookies = urllib.request.HTTPCookieProcessor(cookies)
    try:
        with urllib.request.build_opener(cookies).open(address, data) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_password(inferencer):
    page = build_page(inferencer)
    address = launch_page(page, port=free_port(), auth=('user', 'secret'))
    cookies = http.cookiejar.CookieJar()
    config, login = address + 'config', address + 'login'
    assert status(config) == 401
    assert status(login, username='user', password='wrong') == 400
    assert status(login, cookies, username='user', password='secret') == 200
    assert status(config, cookies) == 200
    page.close()


def test_downloads_do_not_replace_each_other(inferencer, scene, tmp_path):
    """The same name in two sessions."""
    results = [predict_file(inferencer, str(scene))]
    other = cv2.imread(str(scene))[:100]
    cv2.imwrite(str(scene), other)
    results.append(predict_file(known_scene.KnownInferencer(()), str(scene)))
    buttons = [_download(result, str(tmp_path)) for result in results]
    for result, button in zip(results, buttons, strict=True):
        assert json.loads(Path(button.value['path']).read_text()) == result.content


@pytest.mark.parametrize(
    ('arguments', 'warns'),
    [
        (['--host', '0.0.0.0'], True),
        (['--host', '0.0.0.0', '--auth', 'user:se:cret'], False),
        ([], False),
    ],
)
def test_page_without_password_on_a_network(
    main, monkeypatch, capsys, arguments, warns
):
    page = types.SimpleNamespace(block_thread=lambda: None)
    launched = []
    web_page = types.SimpleNamespace(
        build_page=lambda *args: page,
        launch_page=lambda *args: launched.append(args) or 'http://address/',
    )
    monkeypatch.setitem(main.__globals__, 'import_web_page', lambda: web_page)
    monkeypatch.setitem(main.__globals__, 'AmodalInferencer', lambda *_, **__: None)
    monkeypatch.setattr('signal.signal', lambda *_: None)
    monkeypatch.setenv('GRADIO_TEMP_DIR', '')
    main(['weights.pth', *arguments])
    assert ('Warning: the page has no password' in capsys.readouterr().out) == warns
    assert launched[0][-1] == (('user', 'se:cret') if '--auth' in arguments else None)


def test_taken_port_is_an_error(inferencer, address):
    port = int(address.rstrip('/').rpartition(':')[2])
    with pytest.raises(OSError, match=str(port)):
        launch_page(build_page(inferencer), port=port)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['absent.py', 'absent.pth'], 'no config absent.py'),
        (['oaformer_tiny_synth', 'absent.pth'], 'no checkpoint absent.pth'),
        (['a.py', 'b.pth', '--pred-score-thr', '30'], 'between 0 and 1'),
        (['a.py', 'b.pth', '--max-upload-mb', '0'], 'above 0'),
        (['a.py', 'b.pth', '--auth', 'user'], 'USER:PASSWORD'),
        (['a.py', 'b.pth', '--auth', ':secret'], 'USER:PASSWORD'),
    ],
)
def test_wrong_command_lines_are_explained(main, arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert message in f'{caught.value} {capsys.readouterr().err}'


def test_without_gradio_the_tool_says_what_to_install(main, monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    monkeypatch.delitem(sys.modules, 'oaformer.apis.web_page')
    monkeypatch.delattr('oaformer.apis.web_page')
    with pytest.raises(SystemExit, match=re.escape("pip install -e '.[web]'")):
        main(['a.py', 'b.pth'])


@pytest.mark.slow
def test_tool_serves_a_model_until_sigterm(scene, tmp_path, chromium_page):
    _, weights = write_tiny_checkpoint(tmp_path)
    command = [sys.executable, TOOL, str(weights)]
    options = ['--pred-score-thr', '0', '--port', str(free_port())]
    temporary = tmp_path / 'temporary'
    temporary.mkdir()
    server = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, 'TMPDIR': str(temporary)},
        cwd=tmp_path,
    )
    try:
        output = ''
        while (found := re.search(r'Open (\S+) in a browser', output)) is None:
            line = server.stdout.readline()
            assert line, output
            output += line
        chromium_page.goto(found[1])
        wait_for_text(chromium_page, '.legend', 'weights.pth')
        upload(chromium_page, scene)
        wait_for_text(
            chromium_page, '#caption', f'{NUM_INSTANCES} of {NUM_INSTANCES} instances'
        )
        chromium_page.locator('#drawn img').wait_for()
        # An untrained model has no visible masks to choose.
        assert not chromium_page.locator('#view').is_visible()
        assert any(path.is_file() for path in temporary.rglob('*'))
        # What stops a service must not leave the images of its visitors behind.
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) == 0
        assert [path for path in temporary.rglob('*') if path.is_file()] == []
    finally:
        server.kill()
        server.wait()
