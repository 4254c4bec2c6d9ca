"""Serve a page that shows the amodal instances of dropped images."""

import argparse
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from oaformer.apis import AmodalInferencer, ModelError

LOCAL_HOSTS = ('127.0.0.1', 'localhost', '::1')


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'model',
        help='config file or name of a config, such as oaformer_r50_d2sa; or a '
        'checkpoint (.pth) with its config inside, or an exported model (.onnx)',
    )
    parser.add_argument('weights', nargs='?', help='checkpoint, file or web address')
    parser.add_argument(
        '--device', help='such as cuda:0 or cpu; the GPU if there is one by default'
    )
    parser.add_argument(
        '--pred-score-thr',
        type=float,
        default=0.3,
        help='initial value of the slider for the lowest score',
    )
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on; 0.0.0.0 lets other machines in',
    )
    parser.add_argument(
        '--auth', metavar='USER:PASSWORD', help='what visitors must enter first'
    )
    parser.add_argument('--port', type=int, default=7860)
    parser.add_argument(
        '--max-upload-mb', type=float, default=20, help='largest image file'
    )
    args = parser.parse_args(argv)
    if not 0 <= args.pred_score_thr <= 1:
        parser.error('--pred-score-thr: a score lies between 0 and 1')
    if args.max_upload_mb <= 0:
        parser.error('--max-upload-mb: the largest file must be above 0')
    if args.auth is not None:
        user, _, password = args.auth.partition(':')
        if not user or not password:
            parser.error('--auth: name user and password, as in USER:PASSWORD')
        args.auth = (user, password)
    return args


def import_web_page():
    """Import Gradio's part of the package, its telemetry switched off."""
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    try:
        from oaformer.apis import web_page
    except ModuleNotFoundError as error:
        if error.name != 'gradio':
            raise
        sys.exit("The page needs Gradio: pip install -e '.[web]'")
    return web_page


def main(argv=None):
    """Load the model and serve until interrupted."""
    args = parse_args(argv)
    web_page = import_web_page()
    try:
        inferencer = AmodalInferencer(
            args.model, args.weights, args.device, show_progress=False
        )
    except (ModelError, OSError) as error:
        sys.exit(str(error))
    names = [Path(file).name for file in (args.model, args.weights) if file]
    # On SIGTERM, too, uploaded images are deleted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with TemporaryDirectory(prefix='oaformer-web-') as folder:
        os.environ['GRADIO_TEMP_DIR'] = folder
        page = web_page.build_page(inferencer, args.pred_score_thr, ', '.join(names))
        try:
            address = web_page.launch_page(
                page, args.host, args.port, args.max_upload_mb, args.auth
            )
        except OSError as error:
            sys.exit(f'The page cannot be served on {args.host}:{args.port}: {error}')
        if args.host not in LOCAL_HOSTS and args.auth is None:
            print(
                'Warning: the page has no password, and every machine that reaches '
                'this one can use it. Set --auth USER:PASSWORD.'
            )
        print(f'Open {address} in a browser; Ctrl+C stops.', flush=True)
        page.block_thread()


if __name__ == '__main__':
    main()
