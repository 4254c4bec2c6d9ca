"""A stand-in for tools/train.py: leaves what MMEngine leaves, without training.

TOY_SECONDS is the time of an epoch, TOY_FAILS the name of the run that fails.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    parser.add_argument('--work-dir', type=Path)
    parser.add_argument('--resume', action='store_true')
    parser.add_argument('--cfg-options')
    args = parser.parse_args()
    folder, run = args.work_dir, args.work_dir.parent.name
    seed = args.cfg_options.removeprefix('randomness.seed=')
    folder.mkdir(parents=True, exist_ok=True)
    trace(folder, f'train {run} {seed} {os.environ["OMP_NUM_THREADS"]}')
    if os.environ.get('TOY_FAILS') == run:
        sys.exit('the loss is NaN')

    text = Path(args.config).read_text()
    cfg = {}
    exec(text, cfg)
    start = start_folder(folder, text + f'\nrandomness = dict(seed={seed})\n')
    pointer = folder / 'last_checkpoint'
    done = 0
    if args.resume:
        done = int(Path(pointer.read_text()).stem.removeprefix('epoch_'))
    epochs = cfg['train_cfg']['max_epochs']
    for epoch in range(done + 1, epochs + 1):
        time.sleep(float(os.environ.get('TOY_SECONDS', 0)))
        with open(start / 'vis_data' / 'scalars.json', 'a') as log:
            log.write(json.dumps(dict(time=30.0, iter=epoch, step=epoch)) + '\n')
            log.write(json.dumps({'toy/val': epoch, 'step': epoch}) + '\n')
        checkpoint = folder / f'epoch_{epoch}.pth'
        checkpoint.touch()
        pointer.write_text(str(checkpoint))
    trace(folder, f'trained {run} {seed}')


def start_folder(work_dir, config):
    # one reading of the clock: strftime's own may still be in the second before
    seconds, rest = divmod(time.time_ns(), 10**9)
    now = f'{time.strftime("%Y%m%d_%H%M%S", time.localtime(seconds))}{rest:09}'
    start = work_dir / now
    (start / 'vis_data').mkdir(parents=True)
    (start / 'vis_data' / 'config.py').write_text(config)
    return start


def trace(folder, line):
    with open(folder.parents[1] / 'trace', 'a') as stream:
        stream.write(line + '\n')


if __name__ == '__main__':
    main()
