"""The simulated remote I/O module: counters, outputs with a history, and a watchdog that must be re-armed."""

from inspector.twin.remote_io import COILS, Coil, RemoteIo


def module(*, active_low: bool = True) -> RemoteIo:
    return RemoteIo(watchdog_s=0.1, active_low=active_low)


def outputs(**on: bool) -> list[bool]:
    coils = [False] * COILS
    for name, value in on.items():
        coils[Coil[name]] = value
    return coils


def test_a_module_that_was_never_written_ejects_if_its_ejector_is_active_low() -> None:
    assert module().ejecting_at(1.0)
    assert not module(active_low=False).ejecting_at(1.0)


def test_what_the_ejector_did_is_known_for_every_moment() -> None:
    io = module()
    assert io.write(0, outputs(EJECTOR=True), 1.00)
    assert io.write(0, outputs(EJECTOR=False), 1.05)
    assert [io.ejecting_at(at) for at in (0.99, 1.0, 1.04, 1.05, 2.0)] == [True, False, False, True, True]


def test_silence_trips_the_watchdog_and_nothing_is_taken_until_it_is_re_armed() -> None:
    io = module()
    assert io.write(0, outputs(EJECTOR=True, RUN_PERMIT=True), 1.0)
    assert io.permit
    io.watch(1.09)
    assert not io.tripped
    io.watch(1.11)
    assert (io.tripped, io.permit, io.ejecting_at(1.11)) == (True, False, True)
    assert not io.write(0, outputs(EJECTOR=True), 1.12)
    assert io.ejecting_at(1.12)
    assert io.write(0, outputs(EJECTOR=True, RE_ARM=True), 1.13)
    assert (io.tripped, io.ejecting_at(1.13), io.coils[Coil.RE_ARM]) == (False, False, False)


def test_a_write_that_comes_too_late_finds_the_watchdog_tripped_even_if_nobody_looked_meanwhile() -> None:
    io = module()
    assert io.write(0, outputs(EJECTOR=True), 1.0)
    assert not io.write(0, outputs(EJECTOR=True), 5.0)
    assert io.trips == 1


def test_the_watchdog_has_dropped_the_ejector_even_if_the_modules_server_sleeps() -> None:
    io = module(active_low=True)
    io.write(Coil.EJECTOR, [True], 10.0)  # its rest is to eject: the output holds it open
    assert [io.ejecting_at(moment) for moment in (10.05, 10.2)] == [False, True]
    assert io.tripped


def test_counters_are_told_as_pairs_of_words_and_the_trigger_with_its_encoder() -> None:
    io = module()
    io.light_gate(0x0001_0002)
    io.light_gate(0xFFFF_0003)
    io.good, io.rejected = 7, 0x0002_0001
    assert io.words(5) == [0, 5, 0, 2, 0xFFFF, 3, 0, 7, 2, 1]
