package dev.gatun.engine.cuda;

import dev.gatun.engine.KvCache;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Operations of a token that were asked for and not launched. */
final class PendingToken {
    private final List<Operation> operations = new ArrayList<>();
    private Optional<KvCache> cache = Optional.empty();
    private int pieces;

    /**
     * @param launch puts it into the stream, or is left out where a graph does that
     * @param launched what the host notes after that, either way
     */
    private record Operation(TokenStep step, Runnable launch, Runnable launched) {}

    void add(TokenStep step, Runnable launch, Runnable launched) {
        operations.add(new Operation(step, launch, launched));
    }

    /** Says which sequence the token belongs to; returns whether that does not contradict what was said before. */
    boolean belongTo(KvCache sequence, int itsPieces) {
        boolean agrees = cache.isEmpty() || (cache.get().equals(sequence) && pieces == itsPieces);
        cache = Optional.of(sequence);
        pieces = itsPieces;
        return agrees;
    }

    /** The sequence it belongs to, once that was said. */
    Optional<KvCache> cache() {
        return cache;
    }

    TokenForm form() {
        return new TokenForm(operations.stream().map(Operation::step).toList(), pieces);
    }

    /** Launches and notes one after the other. */
    void runEach() {
        for (Operation operation : operations) {
            operation.launch().run();
            operation.launched().run();
        }
    }

    /** Launches all and notes nothing. */
    void launch() {
        operations.forEach(operation -> operation.launch().run());
    }

    /** Notes that all are launched. */
    void launched() {
        operations.forEach(operation -> operation.launched().run());
    }

    /** Begins with what follows of the same token. */
    void goOn() {
        operations.clear();
    }

    void clear() {
        operations.clear();
        cache = Optional.empty();
    }
}
