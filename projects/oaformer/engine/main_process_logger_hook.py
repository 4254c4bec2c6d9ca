"""MMEngine's logger, with one writer of the file of test results."""

from mmdet.registry import HOOKS
from mmengine.dist import master_only
from mmengine.hooks import LoggerHook


@HOOKS.register_module()
class MainProcessLoggerHook(LoggerHook):
    """Write the results of a test in the main process.

    ``LoggerHook`` writes them in every process, all to one path. The times in them
    differ, and so can the lengths: two processes that write at once leave a file with
    the end of the longer one behind the shorter.
    """

    after_test_epoch = master_only(LoggerHook.after_test_epoch)
