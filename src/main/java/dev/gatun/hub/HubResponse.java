package dev.gatun.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpHeaders;

/**
 * An answer whose content is still to be read.
 *
 * @param status 200 or 206
 * @param headers of the last server that was asked
 * @param content closed by {@link #close}
 */
record HubResponse(int status, HttpHeaders headers, InputStream content) implements AutoCloseable {
    /** Reads until the first {@code length} bytes are filled or the connection ends, however it ends; returns how many. */
    int fill(byte[] buffer, int length) {
        int filled = 0;
        try {
            for (int read = 0; read >= 0 && filled < length; filled += Math.max(0, read)) {
                read = content.read(buffer, filled, length - filled);
            }
        } catch (IOException cut) {
            // What came before is good.
            return filled;
        }
        return filled;
    }

    /** Passes over bytes that nobody wants. */
    void skip(long bytes) throws TransientException {
        try {
            content.skipNBytes(bytes);
        } catch (IOException cut) {
            throw new TransientException("the connection was cut", cut);
        }
    }

    @Override
    public void close() {
        try {
            content.close();
        } catch (IOException alreadyGone) {
            // What was wanted of it was read.
            return;
        }
    }
}
