package dev.gatun.text;

import dev.gatun.input.Quoted;
import dev.gatun.input.TextFile;
import dev.gatun.input.UnusableFileException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Reads a {@code tokenizer.json} into a tokenizer; refuses what none implements. */
final class TokenizerReader {
    private static final Set<String> KNOWN = Set.of(
            "version",
            "truncation",
            "padding",
            "added_tokens",
            "normalizer",
            "pre_tokenizer",
            "post_processor",
            "decoder",
            "model");

    /** Some times those with the largest vocabularies. */
    private static final int LONGEST = 1 << 27;

    private TokenizerReader() {}

    static Tokenizer read(Path file) {
        JsonSection root = new JsonSection(file, "", parse(file));
        root.allow(KNOWN);
        root.refuse("truncation", "padding");
        TokenTable table = TokenTable.read(root);
        List<NormalizerStep> normalizer = SplittingReader.normalizer(root.optional("normalizer"));
        return new ByteFallbackTokenizer(new ByteFallbackTokenizer.Definition(
                new Vocabulary(table.ids()),
                ModelReader.read(root.member("model"), table.modelIds()),
                matcher(table, false, List.of()),
                matcher(table, true, normalizer),
                normalizer,
                SplittingReader.metaspace(root.optional("pre_tokenizer")),
                leadingIds(root.optional("post_processor"), table.ids()),
                DecoderReader.read(root.optional("decoder"), table)));
    }

    private static JsonNode parse(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new TextException(Quoted.of(file) + ": no such file; a model folder needs its tokenizer.json");
        }
        try {
            return TextFile.readObject(file, LONGEST);
        } catch (UnusableFileException problem) {
            throw new TextException(problem.getMessage(), problem);
        }
    }

    private static AddedTokens matcher(TokenTable table, boolean normalized, List<NormalizerStep> normalizer) {
        List<AddedTokens.Entry> entries = new ArrayList<>();
        for (TokenTable.Added token : table.added()) {
            if (token.normalized() == normalized) {
                String content = token.content();
                for (NormalizerStep step : normalizer) {
                    content = step.apply(content);
                }
                entries.add(new AddedTokens.Entry(content, token.id()));
            }
        }
        return new AddedTokens(entries);
    }

    /** The special tokens that the template for one text puts before it. */
    private static List<Integer> leadingIds(JsonSection processor, Map<String, Integer> ids) {
        List<Integer> leading = new ArrayList<>();
        if (processor.isAbsent()) {
            return leading;
        }
        if (!processor.type().equals("TemplateProcessing")) {
            throw processor.unsupported("its post_processor is `%s`".formatted(processor.type()));
        }
        boolean sequenceSeen = false;
        for (JsonSection step : processor.member("single").elements()) {
            if (!step.optional("Sequence").isAbsent()) {
                sequenceSeen = true;
            } else if (sequenceSeen) {
                throw step.unsupported("its post_processor puts tokens after the text");
            } else {
                String name = step.member("SpecialToken").member("id").string();
                leading.addAll(specialIds(processor, name, ids));
            }
        }
        return leading;
    }

    private static List<Integer> specialIds(JsonSection processor, String name, Map<String, Integer> tokens) {
        List<Integer> ids = new ArrayList<>();
        for (JsonSection id :
                processor.member("special_tokens").member(name).member("ids").elements()) {
            if (id.integer() < 0 || id.integer() >= tokens.size()) {
                throw id.broken("`%s` is %d, which is no token".formatted(id.where(), id.integer()));
            }
            ids.add(id.integer());
        }
        return ids;
    }
}
