"""What shares answers or the browser runs in one worker, any other file wherever there is room."""

from pathlib import Path

from tests.helpers.together import piece

TESTS = Path(__file__).parents[1]


def test_a_file_is_a_piece_unless_it_shares():
    for path, found in [
        ("answers/verdict/test_verdicts.py", "answers"),
        ("cli/test_verdict.py", "answers"),
        ("debugger/test_page_view.py", "browser"),
        ("test_output_delta.py", str(TESTS / "test_output_delta.py")),
    ]:
        assert piece(TESTS / path) == found
