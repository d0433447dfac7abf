package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntConsumer;

/** Receives parts of files, and asks again for what a cut connection left missing. */
final class PartTransfer {
    private static final int BUFFER_BYTES = 256 << 10;
    /** A connection that brought so much was of use: what fails after it is counted from one again. */
    private static final long USEFUL_BYTES = 64 << 10;

    private final HubRequests requests;
    private final Retries retries;
    private final IntConsumer received;

    /** {@code received} hears of all bytes that arrived, from several threads. */
    PartTransfer(HubRequests requests, Retries retries, IntConsumer received) {
        this.requests = requests;
        this.retries = retries;
        this.received = received;
    }

    /**
     * Receives what is missing of a part.
     *
     * @throws HubException if the server refuses it, or failed too often
     * @throws IOException if the disk refuses it
     */
    void receive(FileDownload download, int part, URI address) throws IOException, InterruptedException {
        int failures = 0;
        for (ByteRange missing = download.missing(part); missing.length() > 0; missing = download.missing(part)) {
            try {
                request(download, part, address, missing);
            } catch (TransientException failure) {
                long brought = missing.length() - download.missing(part).length();
                failures = brought >= USEFUL_BYTES ? 1 : failures + 1;
                retries.pauseAfter(failures, failure);
            }
        }
    }

    private void request(FileDownload download, int part, URI address, ByteRange missing)
            throws IOException, InterruptedException {
        long size = download.file().size();
        boolean whole = missing.length() == size;
        try (HubResponse response = requests.get(address, whole ? Optional.empty() : Optional.of(missing))) {
            requireThisFile(download.file(), missing, response);
            if (response.status() == 200) {
                // A server that knows no pieces sends everything.
                response.skip(missing.from());
            }
            copy(download, part, missing.length(), response);
        }
    }

    private void copy(FileDownload download, int part, long length, HubResponse response) throws IOException {
        byte[] buffer = new byte[(int) Math.min(BUFFER_BYTES, length)];
        for (long left = length; left > 0; ) {
            int wanted = (int) Math.min(buffer.length, left);
            int filled = response.fill(buffer, wanted);
            download.append(part, buffer, filled);
            received.accept(filled);
            if (filled < wanted) {
                throw new TransientException("the connection was cut", Optional.empty());
            }
            left -= filled;
        }
    }

    private static void requireThisFile(HubFile file, ByteRange missing, HubResponse response)
            throws TransientException {
        if (response.status() == 206) {
            String range = response.headers().firstValue("Content-Range").orElse("");
            if (!range.equals(missing.answer(file.size()))) {
                throw new TransientException(
                        Quoted.of(file.path()) + ": the server sends another piece than the one asked for",
                        Optional.empty());
            }
            return;
        }
        OptionalLong length = response.headers().firstValueAsLong("Content-Length");
        if (length.isPresent() && length.getAsLong() != file.size()) {
            throw new HubException(Quoted.of(file.path()) + ": the server sends " + length.getAsLong()
                    + " bytes, but the hub lists " + file.size() + "; run the command again");
        }
    }
}
