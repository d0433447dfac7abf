package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps a second program from downloading to the same place at the same time. */
final class TargetLock implements AutoCloseable {
    private final FileChannel channel;

    private TargetLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Locks a file, which is made if need be and stays. The lock ends with {@link #close} or with the program.
     *
     * @throws HubException if it is locked already
     */
    static TargetLock take(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (!isTaken(channel)) {
            channel.close();
            throw new HubException(Quoted.of(file) + ": another gatun is downloading this model; wait for it to end");
        }
        return new TargetLock(channel);
    }

    private static boolean isTaken(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException sameProgram) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
