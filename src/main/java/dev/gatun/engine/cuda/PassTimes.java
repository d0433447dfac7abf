package dev.gatun.engine.cuda;

import dev.gatun.engine.OffloadCounts;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The time of forward passes by part, from marks that are put into the computing stream where one part follows another. They
 * are read when the pass was awaited, so nothing waits for them. Within a part, pauses of the device between one operation
 * and the next count as the part.
 */
final class PassTimes implements PassClock, AutoCloseable {
    private final Supplier<TimeMark> opened;
    /** As many as the longest pass so far needed. */
    private final List<TimeMark> marks = new ArrayList<>();
    /** The part that begins at the mark of the same place. */
    private final List<Part> parts = new ArrayList<>();

    private final Map<Part, Long> nanos = new EnumMap<>(Part.class);
    private boolean ended;

    /**
     * Makes one.
     *
     * @param opened opens another mark of the computing stream; closed with this
     */
    PassTimes(Supplier<TimeMark> opened) {
        this.opened = opened;
    }

    @Override
    public void enter(Part part) {
        if (parts.isEmpty() || parts.getLast() != part) {
            mark(parts.size());
            parts.add(part);
        }
        ended = false;
    }

    private void mark(int place) {
        if (place == marks.size()) {
            marks.add(opened.get());
        }
        marks.get(place).put();
    }

    @Override
    public void waited() {
        parts.set(parts.size() - 1, Part.WAITING);
    }

    @Override
    public void end() {
        mark(parts.size());
        ended = true;
    }

    @Override
    public void collect() {
        if (ended) {
            for (int i = 0; i < parts.size(); i++) {
                nanos.merge(parts.get(i), marks.get(i + 1).nanosSince(marks.get(i)), Long::sum);
            }
        }
        discard();
    }

    @Override
    public void discard() {
        parts.clear();
        ended = false;
    }

    /** The time of all passes that were collected. */
    OffloadCounts.Parts read() {
        return new OffloadCounts.Parts(
                of(Part.ATTENTION), of(Part.ROUTER), of(Part.EXPERTS), of(Part.WAITING), of(Part.CPU), of(Part.HOST));
    }

    private long of(Part part) {
        return nanos.getOrDefault(part, 0L);
    }

    @Override
    public void close() {
        marks.forEach(TimeMark::close);
    }
}
