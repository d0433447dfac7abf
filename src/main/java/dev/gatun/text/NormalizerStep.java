package dev.gatun.text;

/** One change to a text before it is cut into tokens. */
sealed interface NormalizerStep {
    /** The changed text. */
    String apply(String text);

    /** Puts something before a text, unless that is empty. */
    record Prepend(String prefix) implements NormalizerStep {
        @Override
        public String apply(String text) {
            return text.isEmpty() ? text : prefix + text;
        }
    }

    /** Replaces every occurrence of a string that is not empty. */
    record Replace(String from, String to) implements NormalizerStep {
        @Override
        public String apply(String text) {
            return text.replace(from, to);
        }
    }
}
