# SPDX-License-Identifier: Apache-2.0
"""How the program is built: an error in its memory is to end it, and not to be of use to whoever caused it."""

import subprocess

import pytest

from harness.engines import BINARY, INSTRUMENTED, PLAIN


def read_elf(options):
    done = subprocess.run(
        ["readelf", options, str(BINARY)], env=dict(PLAIN, LC_ALL="C"), capture_output=True, text=True, check=True
    )
    return [line.split() for line in done.stdout.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def structure():
    """The words of each line about the file, its segments and what it asks of the dynamic loader."""
    return read_elf("-hldW")


@pytest.fixture(scope="module")
def imported():
    """The names that other libraries have to provide, without their versions."""
    return {words[7].split("@")[0] for words in read_elf("-sW") if len(words) > 7 and words[6] == "UND"}


def segment(structure, name):
    """Its flags: some of R, W and E."""
    [words] = [words for words in structure if words[0] == name]
    return set("".join(words[6:-1]))


def test_the_program_can_be_loaded_at_any_address(structure):
    assert [words[1] for words in structure if words[0] == "Type:"] == ["DYN"]


def test_the_addresses_of_functions_are_read_only_once_it_is_loaded(structure):
    assert "W" not in segment(structure, "GNU_RELRO")
    assert [words for words in structure if "(FLAGS)" in words and "BIND_NOW" in words]


def test_nothing_on_the_stack_can_be_run(structure):
    assert segment(structure, "GNU_STACK") == {"R", "W"}


def test_a_function_that_was_overrun_does_not_return(imported):
    assert "__stack_chk_fail" in imported


@pytest.mark.skipif(INSTRUMENTED, reason="a sanitizer brings its own checks of these calls")
def test_calls_that_fill_a_buffer_are_checked_against_its_size(imported):
    assert [name for name in imported if name.startswith("__") and name.endswith("_chk")]
