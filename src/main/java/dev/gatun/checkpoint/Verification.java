package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/**
 * Compares a model's files with their checksums.
 *
 * @param folder the model
 * @param checksums what its files should be
 */
public record Verification(Path folder, Checksums checksums) {
    /** Hears how far it is, from one thread at a time, though not always the same. What it throws ends the verification. */
    @FunctionalInterface
    public interface Listener {
        /** So many bytes of all are read. */
        void read(long bytes, long all);
    }

    /**
     * The verification of a folder.
     *
     * @throws CheckpointException if there is no such folder, or it has no checksums, or none of a file that the model
     *     cannot do without
     */
    public static Verification of(Path folder) {
        ModelFolder.requireFolder(folder);
        Checksums checksums = Checksums.read(folder)
                .orElseThrow(() -> new CheckpointException(Quoted.of(folder) + ": it has no " + Checksums.NAME
                        + " to compare its files with; models in Gatun's own format have one"));
        parts(folder).stream()
                .filter(name -> !checksums.sums().containsKey(name))
                .findFirst()
                .ifPresent(name -> {
                    throw new CheckpointException(Quoted.of(folder.resolve(Checksums.NAME)) + ": it has no line for "
                            + Quoted.of(name) + ", which is a part of the model; get " + Checksums.NAME + " again");
                });
        return new Verification(folder, checksums);
    }

    /** What a model is read from; nothing if it is no finished model, which opening it tells better. */
    private static List<String> parts(Path folder) {
        if (Files.exists(folder.resolve(TensorTable.SINGLE))) {
            return List.of("config.json", TensorTable.SINGLE);
        }
        return ShardIndex.read(folder)
                .map(index -> Stream.concat(
                                Stream.of("config.json", ShardIndex.NAME),
                                index.shards().stream()
                                        .map(shard -> shard.getFileName().toString()))
                        .toList())
                .orElse(List.of());
    }

    /** The files that have checksums. */
    public List<String> files() {
        return List.copyOf(checksums.sums().keySet());
    }

    /** Where the checksums stand. */
    public String source() {
        return Checksums.NAME;
    }

    /**
     * Reads every file, several at once.
     *
     * @return those that are missing or another, by name; none if all is well
     * @throws CheckpointException if a file cannot be read
     */
    public List<String> run(Listener listener) {
        LongConsumer progress = inTurn(listener);
        return files().parallelStream()
                .filter(name -> !checksums.matches(folder, name, progress))
                .toList();
    }

    private LongConsumer inTurn(Listener listener) {
        long all = files().stream().mapToLong(this::size).sum();
        AtomicLong read = new AtomicLong();
        ReentrantLock turn = new ReentrantLock();
        return bytes -> {
            turn.lock();
            try {
                listener.read(read.addAndGet(bytes), all);
            } finally {
                turn.unlock();
            }
        };
    }

    private long size(String name) {
        Path file = folder.resolve(name);
        try {
            return Files.isRegularFile(file) ? Files.size(file) : 0;
        } catch (IOException problem) {
            throw TextFiles.unreadable(file, problem);
        }
    }
}
