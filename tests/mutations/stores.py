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
            "no CRC check",
            "if answer.crc32c is not None and crc32c(answer.data) != answer.crc32c:",
            "if False:",
            f"{FAULTS}[google-checksum-sync]",
        ),
        (
            "a pinned version is left after a rejection",
            "        if self.pinned:\n            return self._access(self.pinned)\n"
            "        return self._versions.newest(rejected if",
            "        if self.pinned and rejected is None:\n            return self._access(self.pinned)\n"
            "        return self._versions.newest(rejected if",
            f"{GOOGLE}TestServing::test_a_pin_stays_by_number_and_by_alias",
        ),
        (
            "one failure of Google's that passes is not asked again",
            "passes=lambda error: kind_of(error) in PASSING",
            "passes=lambda error: False",
            f"{GOOGLE}TestTrouble::test_one_failure_is_tried_again",
        ),
        (
            "another try may begin after the fetch's time",
            "seconds=seconds_left() * 0.45",
            "seconds=5.0",
            f"{GOOGLE}TestTrouble::test_a_failure_that_lasts_ends_in_time",
        ),
    ),
    "The versions of a secret at Google: `sources/versions.py`": of(
        "sources/versions.py",
        (
            "no probing by number",
            "above = self._above(number_of(rejected)) if rejected is not None else Above(None, None, False)",
            "above = Above(None, None, False)",
            "unit/test_engine.py::test_the_herd_costs_one_access_at_a_real_store",
        ),
        (
            "probing stops at a disabled version",
            "            except NotEnabled:\n                continue\n            except InvalidSecret",
            "            except NotEnabled:\n                return Above(newest, trouble, True)\n"
            "            except InvalidSecret",
            f"{GOOGLE}TestAfterARejection::test_versions_that_are_not_enabled_are_stepped_over",
        ),
        (
            "probing has no bound",
            "range(number + 1, number + 1 + self._most)",
            "range(number + 1, number + 1 + 99)",
            f"{GOOGLE}TestAfterARejection::test_probing_is_bounded",
        ),
        (
            "the first newer version wins, not the newest",
            "                newest = self._access(str(version))\n",
            "                return Above(self._access(str(version)), trouble, True)\n",
            f"{GOOGLE}TestAfterARejection::test_the_newest_is_found_by_number_while_latest_lags",
        ),
        (
            "`latest` may answer lower than was seen",
            "if number_of(latest) >= self._highest:",
            "if True:",
            f"{GOOGLE}TestAfterARejection::test_a_lagging_latest_never_undoes_a_rotation",
        ),
        (
            "a disabled `latest` is an outage",
            "            latest = self._instead_of(error.number, error)",
            "            raise",
            f"{VERSIONS}TestSteppingDown::test_the_newest_that_can_be_read_is_served",
        ),
    ),
    "AWS Secrets Manager: `sources/aws.py`": of(
        "sources/aws.py",
        (
            "the stage is not named",
            "return self._read(VersionStage=self.stage)",
            "return self._read()",
            f"{AWS}TestServing::test_names_the_stage_each_time",
        ),
        (
            "one throttling of AWS's is not asked again",
            "return status >= 500 or THROTTLED.search(code) is not None",
            "return status >= 500",
            f"{AWS}TestTrouble::test_one_failure_is_tried_again[ThrottlingException-400]",
        ),
        (
            "an answer that was cut short is an empty key",
            'if not (binary := answer.get("SecretBinary")):',
            'binary = answer.get("SecretBinary", b"")\n        if False:',
            f"{FAULTS}[aws-cut-short-sync]",
        ),
    ),
    "A file: `sources/file.py`": of(
        "sources/file.py",
        (
            "a file that is gone is broken, not absent",
            "except (FileNotFoundError, NotADirectoryError):",
            "except ZeroDivisionError:",
            f"{FAULTS}[disk-gone-sync]",
        ),
    ),
}
