package dev.gatun.text;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads the {@code normalizer} and {@code pre_tokenizer} sections of a {@code tokenizer.json}. */
final class SplittingReader {
    private SplittingReader() {}

    static List<NormalizerStep> normalizer(JsonSection section) {
        if (section.isAbsent()) {
            return List.of();
        }
        return section.type().equals("Sequence")
                ? section.member("normalizers").elements().stream()
                        .map(SplittingReader::step)
                        .toList()
                : List.of(step(section));
    }

    private static NormalizerStep step(JsonSection section) {
        return switch (section.type()) {
            case "Prepend" ->
                new NormalizerStep.Prepend(section.member("prepend").string());
            case "Replace" ->
                new NormalizerStep.Replace(
                        pattern(section), section.member("content").string());
            default -> throw section.unsupported("its normalizer is `%s`".formatted(section.type()));
        };
    }

    /** The string that a Replace section looks for. */
    static String pattern(JsonSection replace) {
        JsonSection string = replace.member("pattern").optional("String");
        if (string.isAbsent()) {
            throw replace.unsupported("`%s.pattern` is a regular expression".formatted(replace.where()));
        }
        if (string.string().isEmpty()) {
            throw replace.broken("`%s` is empty".formatted(string.where()));
        }
        return string.string();
    }

    static Optional<Metaspace> metaspace(JsonSection section) {
        if (section.isAbsent()) {
            return Optional.empty();
        }
        if (!section.type().equals("Metaspace")) {
            throw section.unsupported("its pre_tokenizer is `%s`".formatted(section.type()));
        }
        section.allow(Set.of("type", "replacement", "prepend_scheme", "split"));
        String replacement = section.member("replacement").string();
        if (replacement.length() != 1 || Character.isSurrogate(replacement.charAt(0))) {
            throw section.broken("`%s.replacement` should be one character".formatted(section.where()));
        }
        // Absent means true: files older than the switch always cut.
        boolean split = section.optional("split").isAbsent() || section.flag("split");
        return Optional.of(new Metaspace(replacement.charAt(0), prefixing(section), split));
    }

    private static Metaspace.Prefixing prefixing(JsonSection section) {
        JsonSection scheme = section.member("prepend_scheme");
        return switch (scheme.string()) {
            case "always" -> Metaspace.Prefixing.ALWAYS;
            case "first" -> Metaspace.Prefixing.FIRST;
            case "never" -> Metaspace.Prefixing.NEVER;
            default -> throw section.unsupported("`%s` is `%s`".formatted(scheme.where(), scheme.string()));
        };
    }
}
