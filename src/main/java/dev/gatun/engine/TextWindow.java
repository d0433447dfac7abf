package dev.gatun.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/** A piece of a text that is evaluated by itself: each scored token is predicted from those before it in the window. */
public final class TextWindow {
    private final int[] tokens;
    private final int firstScored;

    private TextWindow(int[] tokens, int firstScored) {
        this.tokens = tokens;
        this.firstScored = firstScored;
    }

    /**
     * Cuts a text into windows. Each token of the text is scored once, in the first window that has another before it, so
     * that without {@code begin} the first token of the text is not, nor that of each window that does not overlap the one
     * before. The last window may be shorter; windows that score nothing are left out.
     *
     * @param begin what each window begins with besides its part of the text, such as a beginning-of-text token
     * @param length tokens of a window, {@code begin} included
     * @param stride tokens of the text from one window's beginning to the next one's; less than a window holds of the text
     *     for windows that overlap
     * @throws IllegalArgumentException unless 2 &le; length and 1 &le; stride &le; tokens of the text in a window
     */
    public static List<TextWindow> of(int[] text, OptionalInt begin, int length, int stride) {
        int prefix = begin.isPresent() ? 1 : 0;
        if (length < 2 || stride < 1 || stride > length - prefix) {
            throw new IllegalArgumentException("windows of " + length + " tokens, a stride of " + stride);
        }
        List<TextWindow> windows = new ArrayList<>();
        int scored = 0;
        for (int from = 0; scored < text.length; from += stride) {
            int to = Math.min(text.length - from, length - prefix) + from;
            int[] tokens = new int[prefix + to - from];
            Arrays.fill(tokens, 0, prefix, begin.orElse(0));
            System.arraycopy(text, from, tokens, prefix, to - from);
            TextWindow window = new TextWindow(tokens, Math.max(1, prefix + scored - from));
            if (window.scored() > 0) {
                windows.add(window);
            }
            scored = to;
        }
        return windows;
    }

    /** How many tokens are scored: the last ones. */
    public int scored() {
        return tokens.length - firstScored;
    }

    /** The tokens; a copy. */
    public int[] tokens() {
        return tokens.clone();
    }

    /** The first token that is scored, at least 1. */
    public int firstScored() {
        return firstScored;
    }
}
