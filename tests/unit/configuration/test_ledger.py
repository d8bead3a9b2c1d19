"""What the configuration says of the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from auditor.domain.errors import ConfigurationError
from auditor.domain.schedules import When
from auditor.settings import LedgerSettings, Settings

KEY = "at least sixteen bytes"


@pytest.fixture
def load(tmp_path):
    def settings(text, environ=None):
        path = tmp_path / "flagtrail.toml"
        path.write_text(text)
        return Settings.load(environ or {}, config=str(path))

    return settings


def test_without_any_it_is_sealed_every_minute_and_not_signed():
    settings = Settings()

    assert settings.ledger == LedgerSettings()
    assert (settings.ledger.key, settings.ledger.kms_key) == (None, None)
    assert settings.schedule.seal == When(every=timedelta(minutes=1))


def test_files_and_folders_lie_beside_the_configuration(load, tmp_path):
    ledger = load(
        '[ledger]\norigin = "shop.example.com/flags"\nkey = "a.key"\npublic_key = "key.pub"\n'
        'checkpoints = "kept"\ngit = "../repository"\nbucket = "audit/shop"\n'
    ).ledger

    assert ledger == LedgerSettings(
        origin="shop.example.com/flags",
        key=tmp_path / "a.key",
        public_key=tmp_path / "key.pub",
        checkpoints=tmp_path / "kept",
        git=tmp_path / "../repository",
        bucket="audit/shop",
    )


def test_the_key_of_those_who_record_comes_from_a_place_of_its_own(load, tmp_path):
    (tmp_path / "mac").write_text(f"{KEY}\n")

    assert load('[ledger]\nmac_key_file = "mac"').ledger.mac_key == KEY.encode()
    assert load('[ledger]\nmac_key_env = "K"', {"K": KEY}).ledger.mac_key == KEY.encode()
    assert Settings.load({"FLAGTRAIL_MAC_KEY": KEY}).ledger.mac_key == KEY.encode()
    assert KEY not in repr(load('[ledger]\nmac_key_file = "mac"'))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('key = "a"\nkms_key = "b"', "keep one of them"),
        ('origin = "two words"', "without spaces"),
        ('bucket = "Not_A_Bucket"', "a bucket"),
        ('mac_key = "the key itself, at length"', "mac_key_env"),
        ('mac_key_env = "K"\nmac_key_file = "mac"', "keep one of them"),
        ('mac_key_env = "ABSENT"', "0 bytes"),
        ('mac_key_file = "absent"', "cannot be read"),
        ('chekpoints = "x"', "did you mean 'checkpoints'"),
    ],
)
def test_what_cannot_be_is_a_fault_that_quotes_no_key(load, text, told):
    with pytest.raises(ConfigurationError, match=told) as error:
        load(f"[ledger]\n{text}\n", {"K": KEY})
    assert KEY not in str(error.value)
    assert "the key itself" not in str(error.value)


def test_a_short_key_in_the_variable_is_refused():
    with pytest.raises(ConfigurationError, match="FLAGTRAIL_MAC_KEY has 5 bytes") as error:
        Settings.load({"FLAGTRAIL_MAC_KEY": "short"})
    assert "short" not in str(error.value)
