package dev.gatun.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/**
 * A run of byte tokens that is read as UTF-8 when it ends. Like the original, a run with anything invalid in it becomes
 * U+FFFD for each of its bytes, those of its valid characters included: so nothing of a run is certain before it ends or
 * shows a fault.
 */
final class Utf8Run {
    private static final String REPLACEMENT = "\uFFFD";
    private static final int LONGEST_CHARACTER = 4;

    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private final ByteBuffer unread = ByteBuffer.allocate(LONGEST_CHARACTER);
    private final CharBuffer read = CharBuffer.allocate(2);
    private final StringBuilder text = new StringBuilder();
    private int held;
    private boolean invalid;

    /** Takes the next byte; returns what became certain by it. */
    String append(byte value) {
        if (invalid) {
            return REPLACEMENT;
        }
        held++;
        unread.put(value).flip();
        CoderResult result = decoder.decode(unread, read, false);
        unread.compact();
        text.append(read.flip());
        read.clear();
        if (!result.isError()) {
            return "";
        }
        invalid = true;
        return release();
    }

    /** Ends the run, if there is one, and returns the rest of its text. */
    String finish() {
        String rest = unread.position() > 0 && !invalid ? release() : text.toString();
        text.setLength(0);
        unread.clear();
        decoder.reset();
        held = 0;
        invalid = false;
        return rest;
    }

    private String release() {
        text.setLength(0);
        return REPLACEMENT.repeat(held);
    }
}
