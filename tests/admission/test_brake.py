"""What guessing passwords costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.admission import brake as brake_module
from luckgw.admission.brake import Brake, address_key
from luckgw.config import model

HERE, THERE = "192.0.2.1", "192.0.2.2"


def wrong(brake: Brake, times: int, *, host: str = HERE, name: bytes = b"acme") -> None:
    """So many different wrong passwords, at time 0."""
    for n in range(times):
        brake.failed(host, name, b"pw%d" % n, 0.0)


@pytest.fixture
def brake() -> Brake:
    """With the numbers of spec/reliability 7.2."""
    return Brake(model.Brake())


class TestDelay:
    def test_it_doubles_after_five(self, brake: Brake) -> None:
        """1, 2, 4 ... 30 s; four wrong ones cost nothing."""
        delays = []
        for _ in range(12):
            brake.failed(HERE, b"acme", b"x", 0.0)
            delays.append(brake.delay(HERE, b"acme", 0.0))
        assert delays == [0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30]

    def test_slow_mistakes_cost_nothing(self, brake: Brake) -> None:
        """Five within a minute are meant, not five a day."""
        for n in range(50):
            brake.failed(HERE, b"acme", b"x", n * 15.0)
            assert brake.delay(HERE, b"acme", n * 15.0) == 0

    def test_it_outlives_the_minute(self, brake: Brake) -> None:
        """Who waits for each delay does not get away from it."""
        wrong(brake, 5)
        for n in range(1, 6):
            brake.failed(HERE, b"acme", b"x", n * 31.0)
        assert brake.delay(HERE, b"acme", 5 * 31.0) == 30

    def test_it_is_forgotten(self, brake: Brake) -> None:
        """After five minutes without a wrong one it begins anew."""
        wrong(brake, 9)
        assert brake.delay(HERE, b"acme", 299.0) == 16
        assert brake.delay(HERE, b"acme", 301.0) == 0
        assert brake.failed(HERE, b"acme", b"x", 301.0) == 1

    def test_it_is_of_one_name_from_one_address(self, brake: Brake) -> None:
        """Nobody else waits: a stranger can not lock an account's owner out."""
        wrong(brake, 10)
        assert brake.delay(THERE, b"acme", 0.0) == 0
        assert brake.delay(HERE, b"other", 0.0) == 0

    def test_a_right_one_ends_it(self, brake: Brake) -> None:
        """The password was corrected: the next bind waits for nothing."""
        wrong(brake, 10)
        brake.succeeded(HERE, b"acme")
        assert brake.delay(HERE, b"acme", 0.0) == 0

    def test_it_can_be_off(self) -> None:
        """``max_delay_s = 0``."""
        brake = Brake(model.Brake(max_delay_s=0))
        wrong(brake, 10)
        assert brake.delay(HERE, b"acme", 0.0) == 0


class TestShut:
    def test_twenty_under_any_name(self, brake: Brake) -> None:
        """Then the address is turned away for fifteen minutes; no other address is."""
        for n in range(19):
            brake.failed(HERE, b"%d" % n, b"x", 0.0)
        assert not brake.is_shut(HERE, 0.0)
        brake.failed(HERE, b"19", b"x", 0.0)
        assert brake.is_shut(HERE, 899.0)
        assert not brake.is_shut(HERE, 900.0)
        assert not brake.is_shut(THERE, 0.0)

    def test_after_it_the_count_begins_anew(self, brake: Brake) -> None:
        """One mistake more does not shut it again, twenty do."""
        wrong(brake, 20)
        for n in range(20):
            assert not brake.is_shut(HERE, 901.0)
            brake.failed(HERE, b"%d" % n, b"x", 901.0)
        assert brake.is_shut(HERE, 901.0)

    def test_one_wrong_password_again_and_again_is_no_guessing(
        self, brake: Brake
    ) -> None:
        """A client that was set up wrongly waits, but its neighbours are let in."""
        for n in range(1000):
            brake.failed(HERE, b"acme", b"the old one", n * 5.0)
            assert not brake.is_shut(HERE, n * 5.0)
        assert brake.delay(HERE, b"acme", 5000.0) == 30

    def test_two_in_turn_are(self, brake: Brake) -> None:
        """Only the repetition of the last one is free."""
        for n in range(20):
            brake.failed(HERE, b"acme", b"%d" % (n % 2), 0.0)
        assert brake.is_shut(HERE, 1.0)

    def test_a_right_one_does_not_clear_the_address(self, brake: Brake) -> None:
        """Who has an account of his own could guess at others for ever."""
        for n in range(20):
            brake.failed(HERE, b"other", b"%d" % n, 0.0)
            brake.succeeded(HERE, b"acme")
        assert brake.is_shut(HERE, 1.0)

    def test_it_can_be_off(self) -> None:
        """``shut_s = 0``."""
        brake = Brake(model.Brake(shut_s=0))
        wrong(brake, 100)
        assert not brake.is_shut(HERE, 0.0)


class TestMemory:
    def test_it_is_bounded(self, brake: Brake, monkeypatch: pytest.MonkeyPatch) -> None:
        """Names and addresses without end leave no more than so many entries; who was
        wrong last is known.
        """
        monkeypatch.setattr(brake_module, "MAX_ENTRIES", 100)
        for n in range(1000):
            brake.failed(f"10.0.{n // 250}.{n % 250}", b"%d" % n, b"x", 0.0)
        assert brake.size == 200
        wrong(brake, 6, host="10.0.3.249", name=b"999")
        assert brake.delay("10.0.3.249", b"999", 0.0) > 0


class TestAddress:
    @pytest.mark.parametrize(
        ("host", "key"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("UNIXAddress(None)", "local"),
            ("", "local"),
        ],
    )
    def test_what_is_counted_together(self, host: str, key: str) -> None:
        """A customer of an IPv6 network has 2**64 addresses, and is one."""
        assert address_key(host) == key


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fail", "right"]),
            st.sampled_from([HERE, THERE]),
            st.sampled_from([b"a", b"b"]),
            st.sampled_from([b"x", b"y"]),
            st.floats(0, 2000),
        )
    )
)
def test_it_never_says_anything_strange(
    steps: list[tuple[str, str, bytes, bytes, float]],
) -> None:
    """Delays are from 0 to the longest; a right name waits no more; time goes on."""
    brake, now = Brake(model.Brake()), 0.0
    for what, host, name, secret, pause in steps:
        now += pause
        if what == "fail":
            brake.failed(host, name, secret, now)
        else:
            brake.succeeded(host, name)
            assert brake.delay(host, name, now) == 0
        assert 0 <= brake.delay(host, name, now) <= 30
        assert not brake.is_shut(host, now + 1500)
