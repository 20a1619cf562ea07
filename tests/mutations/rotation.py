"""The rotation: rules that were taken out by hand, each with the first test that failed."""

from __future__ import annotations

BY_HAND: tuple[tuple[str, str], ...] = (
    (
        "a key is deleted although the store was not read just before",
        "integration/test_rotate.py::test_a_key_that_is_put_back_just_before_its_deletion_is_left",
    ),
    (
        "the store is not read after a deletion",
        "integration/test_rotate.py::test_a_key_that_comes_back_while_it_is_deleted_is_restored",
    ),
    (
        "a key is deleted without its etag",
        "integration/test_rotate.py::test_with_retire_after_0_the_old_key_is_deleted_in_the_same_run",
    ),
    (
        "a key that is already marked as superseded is marked again, with a later time",
        "integration/test_rotate.py::test_the_time_since_which_a_key_is_superseded_stays",
    ),
    (
        "the end of a rotation is not recorded, so the next run continues it",
        "integration/test_rotate.py::test_a_finished_rotation_run_again_rotates_again",
    ),
    (
        "the main store is written before the others",
        "integration/test_rotate.py::test_a_run_that_was_interrupted_between_two_places_is_gone_on_with",
    ),
    (
        "a `latest` that lags counts as the newest version",
        "integration/test_rotate.py::test_a_latest_that_lags_is_not_taken_for_the_newest",
    ),
    (
        "after a key was put back by hand, a run continues with its successor",
        "integration/test_rotate.py::test_a_key_that_was_put_back_by_hand_is_never_deleted",
    ),
    (
        "a key that was put back by hand stays marked as superseded",
        "integration/test_rotate.py::test_a_key_that_was_put_back_by_hand_is_never_deleted",
    ),
    (
        "the old key's API targets are not copied",
        "integration/test_rotate.py::test_the_new_key_has_the_old_ones_restrictions_and_account",
    ),
    (
        "a key that was stored by hand during the run is overwritten",
        "integration/test_rotate_refusals.py::test_a_key_that_was_stored_by_hand_meanwhile_stays_and_the_new_one_is_deleted[file]",
    ),
    (
        "a key that another run has stored is deleted",
        "integration/test_rotate_refusals.py::test_a_key_that_another_run_has_stored_is_not_deleted_by_a_run_that_gives_it_up",
    ),
    (
        "a key that was the newest for a moment is deleted at once, not superseded",
        "integration/test_rotate_refusals.py::test_a_key_that_was_the_newest_for_a_moment_is_superseded_and_not_deleted",
    ),
    (
        "a key of another project with the same id is accepted",
        "integration/test_rotate_refusals.py::test_a_key_of_another_project_stops_it[same-id]",
    ),
    (
        "a refusal does not start the proof again",
        "integration/test_rotate_refusals.py::test_a_refusal_starts_the_proof_again",
    ),
    (
        "errors keep their frames, which hold the key",
        "integration/test_rotate_refusals.py::test_an_unknown_key_stops_it_before_anything_is_minted",
    ),
    (
        "a rollback does not mark the successor as superseded",
        "integration/test_rotate_back.py::test_the_predecessor_serves_again_and_a_second_time_changes_nothing[0.0]",
    ),
    (
        "a rotation with a name is repeated in each run",
        "integration/test_rotate_back.py::test_a_rotation_with_a_name_is_made_once",
    ),
    (
        "a run goes on proving a key that was deleted meanwhile",
        "integration/test_rotate_crashes.py::test_a_run_that_gives_up_takes_the_key_from_another_one_which_says_so_at_once",
    ),
    (
        "a stored key that another run has deleted is not restored",
        "integration/test_rotate_crashes.py::test_a_key_that_was_stored_and_is_deleted_by_a_run_that_gave_it_up_is_restored",
    ),
    (
        "a repeated `createSecret` makes a second key",
        "integration/test_rotate_handlers.py::test_steps_that_are_repeated_change_nothing",
    ),
    (
        "the label AWSPENDING stays on the new version",
        "integration/test_rotate_handlers.py::test_the_four_steps_make_a_rotation",
    ),
    ("the Lambda rotates any secret", "integration/test_rotate_handlers.py::test_another_secret_is_left_alone"),
    (
        "the function rotates for messages about any secret",
        "integration/test_rotate_handlers.py::test_other_messages_are_left_alone",
    ),
    (
        "a redirect of the API Keys API is followed",
        "integration/test_google_api_keys_refusals.py::test_a_redirect_is_not_followed",
    ),
    (
        "the quota project of the credentials is charged, not the project of the keys",
        "integration/test_google_api_keys_refusals.py::test_the_project_outranks_the_one_that_the_credentials_bring_along",
    ),
)
