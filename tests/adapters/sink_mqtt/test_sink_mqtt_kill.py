import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inspector.adapters.sink_mqtt.listen import Listener

pytestmark = pytest.mark.peer("mosquitto")
COUNT = 3000
KILLS = 4


def start_follower(broker: Any, folder: Path) -> subprocess.Popen[bytes]:
    program = Path(__file__).with_name("follower_process.py")
    with (folder / "follower.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, str(program), str(broker.port), str(COUNT), str(folder)], stdout=log, stderr=log
        )


def test_a_killed_follower_loses_nothing_repeats_little_and_its_last_will_is_heard(
    mosquitto: Any, house: Any, spy: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    states = spy(broker, "plant/inspector/left/state", "%r %p")
    cursor = tmp_path / "cursor"
    ids = {}
    with Listener(house.settings(broker), topic_root="plant/inspector/left") as listener:
        listener.hear(0.3)
        for kill in range(1, KILLS + 1):
            follower = start_follower(broker, tmp_path)
            try:
                while listener.tally().last < COUNT * kill // (KILLS + 1):
                    _topic, record = listener.hear(20.0)
                    assert record["isHistorical"] is True
                    assert ids.setdefault(record["journalSeq"], record["resultId"]) == record["resultId"]
            finally:
                follower.kill()
                follower.wait(5)
        states_heard = house.wait_for(
            lambda: sum('"offline"' in line for line in states.lines()) == KILLS and states.lines(), what="Last Wills"
        )
        follower = start_follower(broker, tmp_path)
        try:
            house.wait_for(lambda: cursor.read_text() == str(COUNT), what="the cursor at the end", within_s=30)
        finally:
            follower.kill()
            follower.wait(5)
        while (heard := listener.hear(1.0)) is not None:
            record = heard[1]
            assert ids.setdefault(record["journalSeq"], record["resultId"]) == record["resultId"]
        tally = listener.tally()
    assert (tally.received, tally.gaps, tally.conflicts) == (COUNT, (), 0)
    assert list(ids) == list(range(1, COUNT + 1)), "the order of first-seen is kept"
    assert tally.duplicates <= KILLS * (20 + 200)
    will = json.loads(states_heard[-1].split(" ", 1)[1])
    assert (will["state"], will["station"], will["reason"]) == ("offline", "left", "the publisher fell silent")
    assert [json.loads(line.split(" ", 1)[1])["state"] for line in states_heard] == ["online", "offline"] * KILLS
