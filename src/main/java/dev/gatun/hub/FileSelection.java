package dev.gatun.hub;

import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Which of a model's files to download. */
public sealed interface FileSelection {
    /** Whether a file of this path, with slashes, is among them. */
    boolean has(String path);

    /**
     * What it takes to run a model: configurations, tokenizer, chat template and safetensors of the folder itself, its
     * checksums, and its licence, which the checksums name. Not the same weights once more in files named {@code consolidated}, nor anything that could be code.
     */
    record Needed() implements FileSelection {
        private static final Predicate<String> USED = Pattern.compile(
                        "(?!consolidated)[^/]*\\.(json|safetensors|jinja)|tokenizer\\.model|SHA256SUMS|LICENSE")
                .asMatchPredicate();

        @Override
        public boolean has(String path) {
            return USED.test(path);
        }
    }

    /** Every file there is. */
    record All() implements FileSelection {
        @Override
        public boolean has(String path) {
            return true;
        }
    }

    /**
     * The files whose whole path matches one of the patterns.
     *
     * @param patterns with {@code *} for any text, slashes too, and {@code ?} for any character
     */
    record Matching(List<String> patterns) implements FileSelection {
        /** Copies the patterns. */
        public Matching {
            patterns = List.copyOf(patterns);
        }

        @Override
        public boolean has(String path) {
            return patterns.stream()
                    .anyMatch(pattern -> expression(pattern).matcher(path).matches());
        }

        private static Pattern expression(String pattern) {
            return Pattern.compile(
                    pattern.codePoints().mapToObj(Matching::expression).collect(Collectors.joining()));
        }

        private static String expression(int point) {
            return switch (point) {
                case '*' -> ".*";
                case '?' -> ".";
                default -> Pattern.quote(Character.toString(point));
            };
        }
    }
}
