"""References for the parts of long texts."""

from luckgw.text.references import References


class TestReferences:
    def test_count_for_each_destination(self) -> None:
        """One after the other, from a random start, round and round."""
        starts = iter([65_534, 3])
        references = References(lambda: next(starts))
        assert [references.next_for("a") for _ in range(3)] == [65_534, 65_535, 0]
        assert references.next_for("b") == 3
        assert references.next_for("a") == 1

    def test_are_forgotten_in_the_end(self) -> None:
        """The least recent of ten thousand destinations goes."""
        references = References(lambda: 9)
        for number in range(10_000):
            references.next_for(f"{number}")
        references.next_for("0")
        references.next_for("new")
        assert references.next_for("0") == 11
        assert references.next_for("1") == 9
