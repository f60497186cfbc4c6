"""Where torch is missing, the tasks that need it say so when they are made."""

import sys
from unittest import mock

import pytest

from tamis.errors import Refused
from tamis.evidence.tasks import make_task


@pytest.mark.parametrize(("task", "model"), [("classify", "cnn"), ("language-model", "transformer")])
def test_without_torch_the_task_is_not_made(task, model):
    with mock.patch.dict(sys.modules, {"torch": None}), pytest.raises(Refused, match=r"pip install 'tamis\[torch\]'"):
        make_task(task, model)
