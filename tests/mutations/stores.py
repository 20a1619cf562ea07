"""The stores."""

from __future__ import annotations

from .mutation import of

FAULTS = "integration/test_faults.py::test_at_a_start_the_error_lists_each_link_with_its_reason"
GOOGLE = "integration/test_source_google.py::"
AWS = "integration/test_source_aws.py::"
VERSIONS = "integration/test_source_google_versions.py::"

SECTIONS = {
    "Google Secret Manager: `sources/google.py`": of(
        "sources/google.py",
        (
            "the CRC32C checksum is not verified",
            "if answer.crc32c is not None and crc32c(answer.data) != answer.crc32c:",
            "if False:",
            f"{FAULTS}[google-checksum-sync]",
        ),
        (
            "after a refusal, a pinned link reads another version",
            "        if self.pinned:\n            return self._access(self.pinned)\n"
            "        return self._versions.newest(rejected if",
            "        if self.pinned and rejected is None:\n            return self._access(self.pinned)\n"
            "        return self._versions.newest(rejected if",
            f"{GOOGLE}TestServing::test_a_pin_stays_by_number_and_by_alias",
        ),
        (
            "a temporary failure of Google's store is not retried",
            "passes=lambda error: kind_of(error) in PASSING",
            "passes=lambda error: False",
            f"{GOOGLE}TestTrouble::test_one_failure_is_tried_again",
        ),
        (
            "a retry begins after `fetch_timeout`",
            "seconds=seconds_left() * 0.45",
            "seconds=5.0",
            f"{GOOGLE}TestTrouble::test_a_failure_that_lasts_ends_in_time",
        ),
    ),
    "Versions in Google Secret Manager: `sources/versions.py`": of(
        "sources/versions.py",
        (
            "after a refusal, newer versions are not read by number",
            "above = self._above(number_of(rejected)) if rejected is not None else Above(None, None, False)",
            "above = Above(None, None, False)",
            "unit/test_engine.py::test_the_herd_costs_one_access_at_a_real_store",
        ),
        (
            "the search by number stops at a disabled version",
            "            except NotEnabled:\n                continue\n            except InvalidSecret",
            "            except NotEnabled:\n                return Above(newest, trouble, True)\n"
            "            except InvalidSecret",
            f"{GOOGLE}TestAfterARejection::test_versions_that_are_not_enabled_are_stepped_over",
        ),
        (
            "the search by number has no bound",
            "range(number + 1, number + 1 + self._most)",
            "range(number + 1, number + 1 + 99)",
            f"{GOOGLE}TestAfterARejection::test_probing_is_bounded",
        ),
        (
            "the search by number takes the first newer version, not the newest",
            "                newest = self._access(str(version))\n",
            "                return Above(self._access(str(version)), trouble, True)\n",
            f"{GOOGLE}TestAfterARejection::test_the_newest_is_found_by_number_while_latest_lags",
        ),
        (
            "a `latest` that lags undoes a rotation",
            "if number_of(latest) >= self._highest:",
            "if True:",
            f"{GOOGLE}TestAfterARejection::test_a_lagging_latest_never_undoes_a_rotation",
        ),
        (
            "a disabled `latest` counts as an outage",
            "            latest = self._instead_of(error.number, error)",
            "            raise",
            f"{VERSIONS}TestSteppingDown::test_the_newest_that_can_be_read_is_served",
        ),
    ),
    "AWS Secrets Manager: `sources/aws.py`": of(
        "sources/aws.py",
        (
            "the stage is not named in the call",
            "return self._read(VersionStage=self.stage)",
            "return self._read()",
            f"{AWS}TestServing::test_names_the_stage_each_time",
        ),
        (
            "a throttled call of AWS is not retried",
            "return status >= 500 or THROTTLED.search(code) is not None",
            "return status >= 500",
            f"{AWS}TestTrouble::test_one_failure_is_tried_again[ThrottlingException-400]",
        ),
        (
            "an answer that was cut short counts as an empty key",
            'if not (binary := answer.get("SecretBinary")):',
            'binary = answer.get("SecretBinary", b"")\n        if False:',
            f"{FAULTS}[aws-cut-short-sync]",
        ),
    ),
    "A file: `sources/file.py`": of(
        "sources/file.py",
        (
            "a missing file counts as broken, not as absent",
            "except (FileNotFoundError, NotADirectoryError):",
            "except ZeroDivisionError:",
            f"{FAULTS}[disk-gone-sync]",
        ),
    ),
}
