package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/** A file that is downloaded in parts by several threads. Whichever finishes the last part verifies it and puts it in its place. */
final class FileDownload {
    private final HubFile file;
    private final Target target;
    private final long partBytes;
    private final int parts;
    private final AtomicInteger unfinished;
    private PartialFile partial;

    FileDownload(HubFile file, Target target, long partBytes) {
        this.file = file;
        this.target = target;
        this.partBytes = partBytes;
        this.parts = Math.toIntExact(PartJournal.parts(file.size(), partBytes));
        this.unfinished = new AtomicInteger(parts);
    }

    HubFile file() {
        return file;
    }

    int parts() {
        return parts;
    }

    /** Bytes that an earlier run has received. */
    long received() throws IOException {
        return PartialFile.received(target.unfinished(file), file.size(), partBytes);
    }

    ByteRange missing(int part) throws IOException {
        return opened().missing(part);
    }

    void append(int part, byte[] bytes, int length) throws IOException {
        opened().append(part, bytes, length);
    }

    private synchronized PartialFile opened() throws IOException {
        if (partial == null) {
            partial = PartialFile.open(target.unfinished(file), file.size(), partBytes);
        }
        return partial;
    }

    /**
     * A part has arrived; with the last one the file is put in its place.
     *
     * @return whether it was the last
     * @throws HubException if the content is not the listed one; what was received is removed then
     */
    boolean partArrived() throws IOException {
        if (unfinished.decrementAndGet() > 0) {
            return false;
        }
        try (PartialFile received = opened()) {
            Path content = received.complete();
            if (!file.hash().matches(content)) {
                received.forget();
                throw new HubException(
                        Quoted.of(file.path()) + ": what was received does not have the hash that the hub"
                                + " lists, and was removed; run the command again");
            }
            target.take(file, content);
            received.forget();
        }
        return true;
    }

    /** Closes what is open; what was received stays. */
    synchronized void close() throws IOException {
        if (partial != null) {
            partial.close();
        }
    }
}
