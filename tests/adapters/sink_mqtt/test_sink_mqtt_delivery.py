import json
import threading
from typing import Any

import pytest

from inspector.adapters.sink_mqtt import open_mqtt
from inspector.adapters.sink_mqtt.listen import Listener, listen
from inspector.domain.errors import DeliveryError
from inspector.ports.plugin import Context
from inspector.ports.sink import Announcement

pytestmark = pytest.mark.peer("mosquitto")


def deliver_until_done(sink: Any, batch: Any, house: Any, within_s: float = 20.0) -> list[int]:
    """What the follower does: the same batch again, from the first that is not done."""
    got = []

    def attempt() -> bool:
        rest = [p for p in batch if p.journal_seq not in got]
        try:
            sink.deliver(rest, got.append)
        except DeliveryError as error:
            if error.refused:
                raise
        return len(got) == len(batch)

    house.wait_for(attempt, what="everything delivered", within_s=within_s)
    return got


def test_records_arrive_in_order_and_are_done_in_order(mosquitto: Any, context: Context, house: Any) -> None:
    broker = mosquitto().start()
    heard = []
    with (
        Listener(house.settings(broker), topic_root=house.root) as listener,
        open_mqtt(house.settings(broker), context) as sink,
    ):
        listener.hear(0.3)
        done = []
        sink.deliver([house.record(n) for n in range(1, 301)], done.append)
        while len(heard) < 300 and (message := listener.hear(5.0)):
            heard.append(message[1]["journalSeq"])
        assert done == list(range(1, 301))
        assert heard == done
        assert listener.tally().complete


def test_an_independent_subscriber_sees_topic_schema_and_content_type(
    mosquitto: Any, context: Context, house: Any, spy: Any
) -> None:
    broker = mosquitto().start()
    watcher = spy(broker, f"{house.root}/#", "%t|%q|%r|%C|%F|%P|%E|%p")
    with open_mqtt(house.settings(broker), context) as sink:
        sink.announce(Announcement(topic="state", payload={"state": "online", "opcState": "Ready"}))
        sink.deliver([house.record(7)], lambda _: None)
        house.wait_for(lambda: len(watcher.lines()) >= 2, what="state and result")
    state, result = watcher.lines()[:2]
    assert state.startswith(f"{house.root}/state|1|0|application/json|1|schema:inspector.state/1||")
    topic, *_, expiry, payload = result.split("|")
    assert result.startswith(f"{house.root}/result|1|0|application/json|1|schema:inspector.result/1|")
    assert (topic, expiry) == (f"{house.root}/result", "")
    assert json.loads(payload)["journalSeq"] == 7


def test_the_own_window_is_kept_below_what_the_broker_allows(mosquitto: Any, context: Context, house: Any) -> None:
    broker = mosquitto("max_inflight_messages 3").start()
    with open_mqtt(house.settings(broker, window=50), context) as sink:
        done = []
        sink.deliver([house.record(n) for n in range(1, 101)], done.append)
        assert done == list(range(1, 101))
        assert sink._connection.window == 3


def test_a_hung_broker_is_noticed_and_the_backlog_arrives_in_order_when_it_wakes(
    mosquitto: Any, context: Context, house: Any
) -> None:
    broker = mosquitto().start()
    records = [house.record(n) for n in range(1, 101)]
    with (
        Listener(house.settings(broker, keepalive_s=60), topic_root=house.root) as listener,
        open_mqtt(house.settings(broker), context) as sink,
    ):
        listener.hear(0.3)
        deliver_until_done(sink, records[:10], house)
        broker.pause()
        with pytest.raises(DeliveryError, match=r"hangs|Keep alive|ended"):
            sink.deliver(records[10:], lambda seq: pytest.fail(f"{seq} was called done by a broker that sleeps"))
        broker.resume()
        assert deliver_until_done(sink, records[10:], house) == list(range(11, 101))
        first_seen = []
        while (message := listener.hear(1.0)) is not None:
            if message[1]["journalSeq"] not in first_seen:
                first_seen.append(message[1]["journalSeq"])
        assert first_seen == list(range(1, 101))
        assert listener.tally().complete
        assert listener.tally().conflicts == 0


def test_while_the_broker_is_away_nothing_is_published_and_each_call_says_so_at_once(
    mosquitto: Any, context: Context, house: Any
) -> None:
    broker = mosquitto()
    with open_mqtt(house.settings(broker, retry_min_s=30, retry_max_s=30), context) as sink:
        for _ in range(3):
            with pytest.raises(DeliveryError, match=f"broker 127.0.0.1:{broker.port} is away: Connection refused"):
                sink.deliver([house.record(1)], lambda seq: pytest.fail(f"{seq} was called done by nobody"))


def test_a_broker_killed_in_the_middle_gets_the_rest_after_its_restart(
    mosquitto: Any, context: Context, house: Any
) -> None:
    broker = mosquitto().durable().start()
    records = [house.record(n) for n in range(1, 401)]
    with Listener(house.settings(broker), topic_root=house.root, durable_as="mes") as listener:
        listener.hear(0.3)
        with open_mqtt(house.settings(broker), context) as sink:
            got = []

            def done(seq: int) -> None:
                got.append(seq)
                if seq == 150:
                    broker.kill()

            with pytest.raises(DeliveryError):
                sink.deliver(records, done)
            broker.start()
            rest = records[len(got) :]
            assert got + deliver_until_done(sink, rest, house) == list(range(1, 401))
            # the broker may have lost what it acknowledged: the subscriber knows exactly which, and is refilled
            tally = drain(listener)
            missing = [n for first, last in tally.gaps for n in range(first, last + 1)]
            assert tally.received + len(missing) == 400
            deliver_until_done(sink, [house.record(n) for n in missing], house)
            tally = drain(listener)
    assert (tally.received, tally.gaps, tally.conflicts) == (400, (), 0)


def drain(listener: Any) -> Any:
    quiet = 0
    while quiet < 2:
        try:
            quiet = 0 if listener.hear(0.7) else quiet + 1
        except DeliveryError:
            quiet = 0
            threading.Event().wait(0.1)
    return listener.tally()


def test_listen_stops_when_the_tally_is_complete(mosquitto: Any, context: Context, house: Any) -> None:
    broker = mosquitto().start()
    seen = []
    with open_mqtt(house.settings(broker), context) as sink:
        box = []
        thread = threading.Thread(
            target=lambda: box.append(
                listen(
                    house.settings(broker),
                    topic_root=house.root,
                    until=lambda tally: tally.received == 5,
                    durable_as="mes",
                    on_message=lambda topic, _record: seen.append(topic),
                )
            )
        )
        thread.start()
        house.wait_for(lambda: "SUBSCRIBE from mes" in (broker.folder / "mosquitto.log").read_text(), what="subscribed")
        batch = [house.record(n) for n in (1, 2, 2, 4)] + [house.record(5, "disposal"), house.record(6)]
        sink.deliver(batch[:2], lambda _: None)
        sink.deliver(batch[2:3], lambda _: None)
        sink.deliver(batch[3:], lambda _: None)
        thread.join(10)
    tally = box[0]
    assert (tally.received, tally.duplicates, tally.gaps) == (5, 1, ((3, 3),))
    assert (tally.first, tally.last, tally.complete) == (1, 6, False)
    assert f"{house.root}/disposal" in seen
