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
    /** Reads on; -1 at the end. */
    int read(byte[] buffer, int length) throws TransientException {
        try {
            return content.read(buffer, 0, length);
        } catch (IOException cut) {
            throw new TransientException("the connection was cut", cut);
        }
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
