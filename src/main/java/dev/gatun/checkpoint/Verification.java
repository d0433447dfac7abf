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
 * Compares a model's files with their sums.
 *
 * @param folder the model
 * @param sums what its files should be
 */
public record Verification(Path folder, FileSums sums) {
    /** Hears how far it is, from one thread at a time, though not always the same. What it throws ends the verification. */
    @FunctionalInterface
    public interface Listener {
        /** So many bytes of all are read. */
        void read(long bytes, long all);
    }

    /**
     * The verification of a folder by its checksums.
     *
     * @throws CheckpointException if there is no such folder, or it has no checksums, or none of a file that the model
     *     cannot do without
     */
    public static Verification of(Path folder) {
        ModelFolder.requireFolder(folder);
        Checksums checksums = Checksums.read(folder)
                .orElseThrow(() -> new CheckpointException(Quoted.of(folder) + ": it has no " + Checksums.NAME
                        + " to compare its files with; models in Gatun's own format have one. gatun pull --dir compares the files that"
                        + " are there with the hub's"));
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

    /**
     * Reads every file, several at once.
     *
     * @return those that are missing or another, by name; none if all is well
     * @throws CheckpointException if a file cannot be read
     */
    public List<String> run(Listener listener) {
        LongConsumer progress = inTurn(listener);
        return sums.files().parallelStream()
                .filter(name -> !sums.matches(folder, name, progress))
                .toList();
    }

    private LongConsumer inTurn(Listener listener) {
        long all = sums.files().stream().mapToLong(this::size).sum();
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
