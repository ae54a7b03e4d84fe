"""The jail that the attacks are tried in can be worked in: it is the default one, with nothing loosened."""
import os

import pytest
from usable import CANNOT, GOOD, WORK, bring_tools

from support.jail import ENGINE


@pytest.mark.timeout(320)
@pytest.mark.parametrize("name", WORK)
def test_usable(name, stage, record_property):
    work = WORK[name]
    record_property("usable", name)
    if why := CANNOT.get(ENGINE, {}).get(name):
        record_property("cannot", why)
        pytest.skip(why)
    project = stage.host.directory(f"work-{list(WORK).index(name)}")
    for path, text in work.files.items():
        stage.host.write(project / path, text)
    if work.tools:
        bring_tools(work.tools, project / "tools")
        for directory, _, names in os.walk(project / "tools"):
            for path in (directory, *(os.path.join(directory, each) for each in names)):
                stage.host._own(path)
    result = stage.host.sh(work.script, project=project, timeout=work.seconds)
    record_property("seconds", f"{result.seconds:.1f}")
    record_property("outcome", f"{result.seconds:.1f} s")
    assert result.status == 0 and GOOD.search(result.text), f"{result.status}\n{result.text}\n{result.errors}"
