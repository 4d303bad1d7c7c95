"""The image tower through OpenVINO, which on CPUs is quicker than torch.

Only imported where the extra `openvino` is installed.
"""

from openvino_telemetry.utils import opt_in_checker

# Importing openvino reports to its makers. A server in front of people's cameras sends no reports: this runs before
# any module of this package imports openvino.
opt_in_checker.OptInChecker.check = lambda *_, **__: opt_in_checker.ConsentCheckResult.DECLINED
