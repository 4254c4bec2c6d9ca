from oaformer.apis.output_files import OutputNames


def test_one_name_for_each_input():
    names = OutputNames()
    assert names.name('a/1.jpg') == '1'
    assert names.name('b/1.jpg') == '1_1'
    assert names.name('a/1.png') == '1_2'
    assert names.name('a/1.jpg') == '1'
    assert names.name('https://example.org/v1.2.jpg?x=1') == 'v1.2'
    assert names.name('https://example.org/') == 'image'


def test_arrays_are_numbered():
    names = OutputNames()
    assert names.name('00000001.png') == '00000001'
    assert [names.name(None) for _ in range(2)] == ['00000000', '00000001_1']
