"""What losses and metrics are computed of, beside the scores: labels, weights and lists."""

from __future__ import annotations

from typing import Any, NamedTuple

from rankgrad._arrays import Array, as_labels, as_mask
from rankgrad._checks import shown
from rankgrad._frameworks import lists_of
from rankgrad.lists import offsets_of


class Data(NamedTuple):
    """The arguments as the caller gave them."""

    y_true: Any
    sample_weight: Any = None
    groups: Any = None
    offsets: Any = None
    qid: Any = None

    def flat(self, name: str = "y_true", of_array: str = "labels (y_true)") -> Data:
        """Itself; of labels in a container of lists, the flat data with their offsets."""
        y = self.y_true
        labels, said = (y.get("labels"), f'{name}["labels"]') if isinstance(y, dict) else (y, of_array)
        lists = lists_of(labels, said)
        if lists is None:
            return self
        from rankgrad._frameworks.ragged import flat_data  # which knows the losses, and they this page

        return flat_data(self, lists, said, name, of_array, labels=lists.values)

    def read(
        self, name: str = "y_true", of_array: str = "labels (y_true)"
    ) -> tuple[Array, Array | None, Array | None]:
        """Labels, the mask if they come in a dict, and the offsets of the lists, None for a single one.

        `name` is that of the argument, `of_array` what an array given for it is called.
        """
        y, mask = self.y_true, None
        if isinstance(y, dict):
            if "labels" not in y:
                raise ValueError(f'{name}: "labels" is wanted in the dict, got the keys {shown(list(y))}')
            labels = as_labels(y["labels"], f'{name}["labels"]')
            if y.get("mask") is not None:
                mask = as_mask(y["mask"], f'{name}["mask"]', labels.shape)
        else:
            labels = as_labels(y, of_array)
        return labels, mask, offsets_of(labels.shape, groups=self.groups, offsets=self.offsets, qid=self.qid)
