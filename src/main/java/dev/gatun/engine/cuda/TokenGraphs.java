package dev.gatun.engine.cuda;

import dev.gatun.engine.KvCache;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One graph a sequence, of its latest token's form. A graph costs a millisecond or two to make, as much as a token, and
 * serves the tokens until attention needs another grid: 64 of them, or all once the context is long.
 *
 * <p>There are only so many, since each takes memory of the device. A sequence that finds all places taken by others that
 * are in use goes without.
 */
final class TokenGraphs {
    /** The most graphs. */
    static final int MOST = 8;

    /** A graph that so many tokens of other sequences went past is no longer in use. */
    static final int IDLE = 64;

    private final LaunchRecorder recorder;

    /** The one used least recently first. */
    private final Map<KvCache, Entry> entries = new LinkedHashMap<>(MOST, 0.75f, true);

    private long tokens;
    private boolean isMemoryShort;

    private static final class Entry {
        private final LaunchRecorder.Recorded graph;
        private TokenForm form;
        private long lastUse;

        private Entry(LaunchRecorder.Recorded graph, TokenForm form) {
            this.graph = graph;
            this.form = form;
        }
    }

    TokenGraphs(LaunchRecorder recorder) {
        this.recorder = recorder;
    }

    /**
     * Launches a token's operations: as a graph, or one by one where there is no room for another graph.
     *
     * @param work launches them; always the same launches for the same sequence and form
     */
    void launch(KvCache cache, TokenForm form, Runnable work) {
        tokens++;
        Optional<Entry> ready = find(cache, form, work).or(() -> make(cache, form, work));
        ready.ifPresent(entry -> entry.lastUse = tokens);
        ready.ifPresentOrElse(entry -> entry.graph.launch(), work);
    }

    /** The sequence's graph, made to fit; one that cannot be is closed. */
    private Optional<Entry> find(KvCache cache, TokenForm form, Runnable work) {
        Optional<Entry> found = Optional.ofNullable(entries.get(cache));
        if (found.isEmpty() || fits(found.get(), form, work)) {
            return found;
        }
        forget(cache);
        return Optional.empty();
    }

    private static boolean fits(Entry entry, TokenForm form, Runnable work) {
        if (!entry.form.equals(form)) {
            if (!entry.form.isLike(form) || !entry.graph.replace(work)) {
                return false;
            }
            entry.form = form;
        }
        return true;
    }

    private Optional<Entry> make(KvCache cache, TokenForm form, Runnable work) {
        if (isMemoryShort || !makeRoom()) {
            return Optional.empty();
        }
        Optional<Entry> made = recorder.record(work).map(graph -> new Entry(graph, form));
        made.ifPresent(entry -> entries.put(cache, entry));
        isMemoryShort = made.isEmpty();
        return made;
    }

    private boolean makeRoom() {
        if (entries.size() == MOST) {
            Map.Entry<KvCache, Entry> eldest = entries.entrySet().iterator().next();
            if (tokens - eldest.getValue().lastUse <= IDLE) {
                return false;
            }
            forget(eldest.getKey());
        }
        return true;
    }

    /** Closes a sequence's graph, if it has one: its memory can then be freed. */
    void forget(KvCache cache) {
        Optional.ofNullable(entries.remove(cache)).ifPresent(entry -> entry.graph.close());
        isMemoryShort = false;
    }

    /** Closes all graphs; others can be made. */
    void forgetAll() {
        if (!entries.isEmpty()) {
            try {
                forget(entries.keySet().iterator().next());
            } finally {
                forgetAll();
            }
        }
    }
}
