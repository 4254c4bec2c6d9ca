import numpy as np
import pytest

from oaformer.apis.inputs import InputError, input_name, is_video, list_inputs


@pytest.mark.parametrize(
    ('path', 'name'),
    [
        ('a/b/c.JPG', 'c.JPG'),
        ('https://example.org/x/my%20cat.png?size=3#top', 'my cat.png'),
        ('https://example.org/', ''),
    ],
)
def test_name(path, name):
    assert str(input_name(path)).replace('.', '', name == '') == name


def test_videos_are_known_by_their_ending():
    assert is_video('a/B.MP4') and is_video('https://example.org/v.webm?x=1')
    assert not is_video('a.mp4.jpg') and not is_video(np.zeros((1, 1, 3), np.uint8))


def test_folder_is_sorted_without_subfolders(tmp_path):
    for name in ('b.png', 'a.JPEG', 'c.tif'):
        (tmp_path / name).touch()
    (tmp_path / 'd').mkdir()
    (tmp_path / 'd' / 'e.png').touch()
    listed = list_inputs(tmp_path)
    assert listed.folder == str(tmp_path)
    assert listed.items == [
        str(tmp_path / name) for name in ('a.JPEG', 'b.png', 'c.tif')
    ]
    assert listed.num_images() == 3


@pytest.mark.parametrize(
    ('inputs', 'message'),
    [
        ([], 'list of inputs is empty'),
        (3, 'not int'),
        (['a.png', None], 'not NoneType'),
        (np.zeros((4, 5), np.uint8), r'not \(4, 5\) of uint8'),
        (np.zeros((4, 5, 4), np.uint8), r'not \(4, 5, 4\) of uint8'),
        (np.zeros((4, 5, 3)), 'of float64'),
        (np.zeros((0, 5, 3), np.uint8), r'not \(0, 5, 3\)'),
    ],
)
def test_what_is_not_an_input(inputs, message):
    with pytest.raises(InputError, match=message):
        list_inputs(inputs)
