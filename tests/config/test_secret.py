"""A secret stays one."""

from luckgw.config.model import Account, Store, Upstream
from luckgw.config.secret import Secret

PASSWORD = "hunter2!"


def test_is_never_shown() -> None:
    """Neither in its own repr or str, nor in a record that holds it."""
    secret = Secret(PASSWORD, "file")
    account = Account(name="acme", password=secret)
    upstream = Upstream(
        name="mtn", endpoint="tcp:a:1", system_id="luck", password=secret
    )
    shown = f"{secret} {secret!r} {account} {upstream!r} {[secret]}"
    assert PASSWORD not in shown
    assert "<Secret, file>" in shown


def test_is_revealed_on_demand() -> None:
    """The one place that uses it gets the value."""
    assert Secret(PASSWORD).reveal() == PASSWORD


def test_knows_a_hash_from_a_password() -> None:
    """A hash is compared in another way, and can not be sent to a carrier."""
    assert Secret("$argon2id$...", "argon2").is_hash
    assert not Secret("$argon2id$...", "plain").is_hash


def test_equal_secrets_are_equal() -> None:
    """So that a reload can tell which upstreams have changed."""
    assert Secret("a", "file") == Secret("a", "file")
    assert Secret("a") != Secret("b")


def test_store_url_is_shown_without_its_password() -> None:
    """Who looks at the configuration sees which server, not how to get in."""
    store = Store(url="redis://user:hunter2!@10.0.0.5:6379/0")
    assert PASSWORD not in repr(store)
    assert "redis://***@10.0.0.5:6379/0" in repr(store)
    assert store.holds_password


def test_store_url_without_password_is_shown_whole() -> None:
    """Nothing is hidden that is no secret."""
    assert "'redis://10.0.0.5/0'" in repr(Store(url="redis://10.0.0.5/0"))
    assert not Store(url="redis://10.0.0.5/0").holds_password
    assert "'embedded'" in repr(Store())
    assert not Store().holds_password
