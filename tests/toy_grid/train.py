"""Leaves the files that tools/train.py leaves, without training.

TOY_SECONDS is the time of each epoch but the first, TOY_FAILS the name of the run that
fails.
"""

import argparse
import json
import os
import sys
import time
import zipfile
from pathlib import Path

EPOCHS = 3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    parser.add_argument('--work-dir', type=Path)
    parser.add_argument('--resume', type=Path)
    args = parser.parse_args()
    done = 0 if args.resume is None else int(args.resume.stem[-1])
    trace('train', args.work_dir, f'{done}', os.environ['OMP_NUM_THREADS'])
    if os.environ.get('TOY_FAILS') == args.work_dir.parent.name:
        sys.exit('the loss is NaN')
    log = args.work_dir / str(time.time_ns()) / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    for epoch in range(done + 1, EPOCHS + 1):
        if epoch > done + 1:
            time.sleep(float(os.environ.get('TOY_SECONDS', 0)))
        with open(log, 'a') as stream:
            stream.write(json.dumps(dict(time=30.0, iter=epoch)) + '\n')
            stream.write(json.dumps({'amodal/segm_mAP': 0.1, 'step': epoch}) + '\n')
        path = args.work_dir / f'epoch_{epoch}.pth'
        # a test that waits for the name finds a whole checkpoint
        with zipfile.ZipFile(path.with_suffix('.part'), 'w') as checkpoint:
            checkpoint.writestr('data', '')
        path.with_suffix('.part').replace(path)
    trace('trained', args.work_dir)


def trace(tool, work_dir, *words):
    run = f'{work_dir.parent.name} {work_dir.name.partition("_")[0]}'
    with open(work_dir.parents[1] / 'trace', 'a') as stream:
        stream.write(' '.join([tool, run, *words]) + '\n')


if __name__ == '__main__':
    main()
