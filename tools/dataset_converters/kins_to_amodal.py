"""Convert a KINS annotation file, either release, to the amodal schema of OAFormer."""

import argparse
import json
import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[2]
# The tools belong to the package beside them, whatever else is installed.
sys.path.insert(0, str(REPO_ROOT / 'projects'))

from oaformer.datasets.annotation_file import write_json  # noqa: E402
from oaformer.datasets.converters import convert_kins  # noqa: E402


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'src',
        help='KINS file: instances_{train,val}.json or update_{train,test}_2020.json',
    )
    parser.add_argument('out', help='file to write')
    return parser.parse_args(argv)


def main(argv=None):
    """Convert one file and say what became of it."""
    args = parse_args(argv)
    src, out = Path(args.src), Path(args.out)
    if src.resolve() == out.resolve():
        sys.exit(f'{out} is the file to convert: name another one to write')
    try:
        source = json.loads(src.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        sys.exit(f'cannot read {src}: {error}')
    try:
        conversion = convert_kins(source, args.src)
    except ValueError as error:
        sys.exit(str(error))
    try:
        write_json(out, conversion.content)
    except OSError as error:
        sys.exit(f'cannot write {out}: {error}')
    print(f'{out}: {conversion.summary()}')


if __name__ == '__main__':
    main()
