package dev.gatun.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A text cut into windows of 1024 tokens, in the two ways of the reference. */
final class Windows {
    private static final int LENGTH = 1024;
    private static final int BOS = 1;

    private Windows() {}

    /** One beginning-of-text token before the whole text. */
    static List<int[]> plain(int[] text) {
        int[] all = new int[text.length + 1];
        all[0] = BOS;
        System.arraycopy(text, 0, all, 1, text.length);
        List<int[]> windows = new ArrayList<>();
        for (int from = 0; from < all.length; from += LENGTH) {
            windows.add(Arrays.copyOfRange(all, from, Math.min(all.length, from + LENGTH)));
        }
        return windows;
    }

    /** One beginning-of-text token before each window. */
    static List<int[]> withBos(int[] text) {
        List<int[]> windows = new ArrayList<>();
        for (int from = 0; from < text.length; from += LENGTH - 1) {
            int length = Math.min(LENGTH - 1, text.length - from);
            int[] window = new int[length + 1];
            window[0] = BOS;
            System.arraycopy(text, from, window, 1, length);
            windows.add(window);
        }
        return windows;
    }
}
