package dev.gatun.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/** Reads the {@code model} section of a {@code tokenizer.json}. */
final class ModelReader {
    private static final Set<String> KNOWN = Set.of(
            "type",
            "dropout",
            "unk_token",
            "continuing_subword_prefix",
            "end_of_word_suffix",
            "fuse_unk",
            "byte_fallback",
            "ignore_merges",
            "vocab",
            "merges");

    /** The character that stands for a space in the vocabularies that have boundaries. */
    private static final char SPACE_MARK = '\u2581';

    private ModelReader() {}

    static BpeModel read(JsonSection model, Map<String, Integer> ids) {
        if (!model.type().equals("BPE")) {
            throw model.unsupported("its model is `%s`".formatted(model.type()));
        }
        model.allow(KNOWN);
        model.refuse("dropout", "continuing_subword_prefix", "end_of_word_suffix");
        List<String[]> merges = merges(model.member("merges"));
        Vocabulary vocabulary = new Vocabulary(ids);
        return new BpeModel(
                vocabulary,
                table(model, merges, ids),
                unknown(model, vocabulary),
                model.flag("fuse_unk"),
                model.flag("byte_fallback"),
                model.flag("ignore_merges"),
                boundary(merges, ids));
    }

    private static OptionalInt unknown(JsonSection model, Vocabulary vocabulary) {
        JsonSection name = model.optional("unk_token");
        if (!name.isAbsent()) {
            OptionalInt id = vocabulary.id(name.string());
            if (id.isEmpty()) {
                throw model.broken("`model.unk_token` is \"%s\", which is no piece".formatted(name.string()));
            }
            return id;
        }
        boolean everyByte = Arrays.stream(vocabulary.bytePieces()).allMatch(id -> id >= 0);
        if (!model.flag("byte_fallback") || !everyByte) {
            throw model.unsupported("it has neither `model.unk_token` nor a piece for every byte");
        }
        return OptionalInt.empty();
    }

    private static List<String[]> merges(JsonSection section) {
        List<String[]> merges = new ArrayList<>();
        for (JsonSection merge : section.elements()) {
            String[] pair = merge.node().isString()
                    ? merge.string().split(" ", -1)
                    : merge.elements().stream().map(JsonSection::string).toArray(String[]::new);
            if (pair.length != 2) {
                throw merge.broken("`%s` should be two pieces".formatted(merge.where()));
            }
            merges.add(pair);
        }
        return merges;
    }

    private static MergeTable table(JsonSection model, List<String[]> merges, Map<String, Integer> ids) {
        int[] left = new int[merges.size()];
        int[] right = new int[merges.size()];
        int[] joined = new int[merges.size()];
        for (int rank = 0; rank < merges.size(); rank++) {
            String[] pair = merges.get(rank);
            left[rank] = piece(model, rank, pair[0], ids);
            right[rank] = piece(model, rank, pair[1], ids);
            joined[rank] = piece(model, rank, pair[0] + pair[1], ids);
        }
        return new MergeTable(left, right, joined);
    }

    private static int piece(JsonSection model, int rank, String piece, Map<String, Integer> ids) {
        Integer id = ids.get(piece);
        if (id == null) {
            throw model.broken("`model.merges[%d]` needs \"%s\", which is no piece".formatted(rank, piece));
        }
        return id;
    }

    /** The space mark, if no merge puts one behind another character. */
    private static OptionalInt boundary(List<String[]> merges, Map<String, Integer> ids) {
        String mark = String.valueOf(SPACE_MARK);
        boolean crossed = merges.stream().anyMatch(pair -> pair[1].startsWith(mark) && !pair[0].endsWith(mark));
        return ids.containsKey(mark) && !crossed ? OptionalInt.of(SPACE_MARK) : OptionalInt.empty();
    }
}
