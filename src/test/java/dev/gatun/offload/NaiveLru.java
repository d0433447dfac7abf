package dev.gatun.offload;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** LRU written as simply as can be: a list for each group, least recent first. */
final class NaiveLru {
    private final CacheShape shape;
    private final List<Deque<Integer>> groups;
    private long hits;
    private long misses;
    private long evictions;

    NaiveLru(CacheShape shape) {
        this.shape = shape;
        this.groups = IntStream.range(0, shape.groups())
                .mapToObj(group -> (Deque<Integer>) new ArrayDeque<Integer>())
                .toList();
    }

    /** First what is there is used, then what is missing is fetched. */
    void serve(int layer, int[] chosen) {
        Deque<Integer> group = groups.get(shape.groupOf(layer));
        List<Integer> missing = new ArrayList<>();
        for (int expert : chosen) {
            Integer number = layer * shape.experts() + expert;
            if (group.remove(number)) {
                hits++;
                group.add(number);
            } else {
                misses++;
                missing.add(number);
            }
        }
        int slots = shape.firstSlot(1) - shape.firstSlot(0);
        for (Integer number : missing) {
            if (group.size() == slots) {
                group.removeFirst();
                evictions++;
            }
            group.add(number);
        }
    }

    Set<Integer> resident() {
        Set<Integer> all = new TreeSet<>();
        groups.forEach(all::addAll);
        return all;
    }

    long hits() {
        return hits;
    }

    long misses() {
        return misses;
    }

    long evictions() {
        return evictions;
    }
}
