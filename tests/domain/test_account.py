"""What an account may be, and what of a change is told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain.account import (
    Account,
    AccountError,
    Role,
    Unfit,
    check_change,
    check_new,
    check_secret,
    difference,
)

H1, H2, H3 = "h1", "h2", "h3"
ADA = Account(name="ada", role=Role.ADMIN, secret_hash=H1)
MARA = Account(name="mara", role=Role.OPERATOR, secret_hash=H2, badge="0815")
KNOWN = (ADA, MARA)


def refused(act: object, *given: object) -> Unfit:
    assert callable(act)
    with pytest.raises(AccountError) as told:
        act(*given)
    return told.value.unfit


@pytest.mark.parametrize(
    "name", ["", " ", " jo", "jo ", "a\u202eb", "a\nb", "x" * 61, "\ud800"], ids=lambda name: repr(name)[:12]
)
def test_a_name_that_cannot_be_read_or_turns_what_stands_beside_it_is_refused(name: str) -> None:
    assert refused(check_new, replace(MARA, name=name, badge=""), KNOWN) is Unfit.NAME


@pytest.mark.parametrize("name", ["O'Neil", '"jo"', "<b>jo</b>", "يوسف", "李雷", "\U0001f600", "a/b", "50%"])
def test_letters_of_any_script_and_any_sign_are_a_name(name: str) -> None:
    check_new(replace(MARA, name=name, full_name=name, badge=name), KNOWN)


@pytest.mark.parametrize("name", ["mara", "Mara", "\uff2d\uff21\uff32\uff21", "0815"])
def test_a_name_that_somebody_could_take_for_another_is_taken(name: str) -> None:
    assert refused(check_new, replace(MARA, name=name, badge=""), KNOWN) is Unfit.NAME_TAKEN


def test_a_badge_signs_in_one_person_only() -> None:
    assert refused(check_new, replace(MARA, name="jo"), KNOWN) is Unfit.BADGE_TAKEN
    assert refused(check_new, replace(MARA, name="jo", badge="ada"), KNOWN) is Unfit.BADGE_TAKEN
    assert refused(check_change, ADA, replace(ADA, badge="0815"), KNOWN) is Unfit.BADGE_TAKEN


@pytest.mark.parametrize("change", [{"active": False}, {"role": Role.QUALITY}])
def test_the_last_administrator_stays_one(change: dict[str, object]) -> None:
    second = replace(ADA, name="second")
    assert refused(check_change, ADA, replace(ADA, **change), KNOWN) is Unfit.LAST_ADMIN  # type: ignore[arg-type]
    off = replace(second, active=False)
    assert refused(check_change, ADA, replace(ADA, **change), (*KNOWN, off)) is Unfit.LAST_ADMIN  # type: ignore[arg-type]
    check_change(ADA, replace(ADA, **change), (*KNOWN, second))  # type: ignore[arg-type]


def test_what_changed_meanwhile_is_not_overwritten() -> None:
    assert refused(check_change, MARA, replace(MARA, badge=""), (ADA, replace(MARA, active=False))) is Unfit.MEANWHILE


def test_a_pin_is_no_password() -> None:
    assert refused(check_change, MARA, replace(MARA, role=Role.ENGINEER), KNOWN) is Unfit.PASSWORD
    check_change(MARA, replace(MARA, role=Role.ENGINEER, secret_hash=H3), KNOWN)
    assert refused(check_secret, "1111", Role.OPERATOR) is Unfit.PIN
    assert refused(check_secret, "4711", Role.ENGINEER) is Unfit.PASSWORD
    check_secret("4711", Role.OPERATOR)


@given(
    st.builds(
        Account,
        name=st.just("mara"),
        role=st.sampled_from(Role),
        secret_hash=st.sampled_from([H2, "$argon2id$secret"]),
        badge=st.sampled_from(["0815", "", "badge-4242"]),
        full_name=st.sampled_from(["", "Mara M."]),
        active=st.booleans(),
    )
)
def test_a_change_says_what_changed_and_holds_neither_secret_nor_badge(after: Account) -> None:
    told = difference(MARA, after)
    assert (told["change"] == "") is (after == MARA)
    assert not any(word in str(told) for word in ("argon2", "0815", "4242"))
    assert (told["role"], told["active"]) == (after.role.value, after.active)
