package dev.gatun.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Damage to a chat template, word by word: words moved, copied and put in, pieces of other templates, repetition. */
final class TemplateMutation implements Mutation {
    private static final Pattern WORD =
            Pattern.compile("\\{[%{#]-?|-?[%}#]\\}|'[^']*'|\"[^\"]*\"|\\w+|\\s+|.", Pattern.DOTALL);

    private static final List<String> FRAGMENTS = List.of(
            "{%",
            "%}",
            "{{",
            "}}",
            "{#",
            "#}",
            "{% if messages %}",
            "{% elif true %}",
            "{% else %}",
            "{% endif %}",
            "{% for m in messages %}",
            "{% for i in range(9000) %}",
            "{% for k, v in messages[0].items() %}",
            "{% endfor %}",
            "{% set x = messages %}",
            "{% set ns = namespace(x=1) %}",
            "{% set ns.x = ns.x ~ ns.x %}",
            "{% generation %}",
            "{{ messages | tojson }}",
            "{{ messages[0].content * 100000 }}",
            "{{ raise_exception('a\nb') }}",
            "{{ ('a ' * 1000000).split() | length }}",
            "{{ range(9223372036854775806, 9223372036854775807, 5) | list }}",
            " | join(',')",
            " | list",
            " | length",
            " | replace('a', 'b' * 1000)",
            " | tojson(indent=100000)",
            " | int",
            " | float",
            " | first",
            " | last",
            " | reverse",
            " | sort",
            " | selectattr('role', 'equalto', 'user')",
            " | map(attribute='content')",
            " | map('upper')",
            " | default('x', true)",
            " | trim('\n')",
            ".split('a')",
            ".strip()",
            ".title()",
            ".items()",
            ".content",
            "['role']",
            "[0]",
            "[::-1]",
            "[-9223372036854775808:9223372036854775807:2]",
            " * 9223372036854775807",
            " * 99999",
            " + 1",
            " // 0",
            " % 0",
            " ** 9",
            " ~ messages",
            " in messages",
            " not in 'abc'",
            " is defined",
            " is string",
            " is divisibleby(0)",
            " if loop.first else none",
            " and not ",
            "loop.index0",
            "loop.previtem",
            "bos_token",
            "none",
            "'\\ud800'",
            "'\\x00\\n'",
            "9223372036854775808",
            "1e308",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            ".",
            "-");

    private static final int MOST_COPIES = 600;
    private static final int LONGEST_PIECE = 30;

    private final List<String> others;

    /** @param others templates to take pieces of */
    TemplateMutation(List<String> others) {
        this.others = List.copyOf(others);
    }

    @Override
    public byte[] apply(byte[] bytes, SplittableRandom random) {
        String source = random.nextInt(2) == 0
                ? others.get(random.nextInt(others.size()))
                : new String(bytes, StandardCharsets.UTF_8);
        List<String> words = words(source);
        for (int count = random.nextInt(1, 5); count > 0; count--) {
            change(words, random);
        }
        return String.join("", words).getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> words(String source) {
        return new ArrayList<>(
                WORD.matcher(source).results().map(MatchResult::group).toList());
    }

    private void change(List<String> words, SplittableRandom random) {
        int at = random.nextInt(words.size() + 1);
        switch (random.nextInt(8)) {
            case 0 -> piece(words, at, random).clear();
            case 1 -> words.addAll(random.nextInt(words.size() + 1), List.copyOf(piece(words, at, random)));
            case 2 -> words.addAll(at, copies(List.copyOf(piece(words, at, random)), random));
            case 3 -> {
                if (at < words.size()) {
                    Collections.swap(words, at, random.nextInt(words.size()));
                }
            }
            case 4 -> {
                List<String> other = words(others.get(random.nextInt(others.size())));
                words.addAll(at, piece(other, random.nextInt(other.size() + 1), random));
            }
            case 5 -> {
                if (at < words.size()) {
                    words.set(at, FRAGMENTS.get(random.nextInt(FRAGMENTS.size())));
                }
            }
            default -> words.add(at, FRAGMENTS.get(random.nextInt(FRAGMENTS.size())));
        }
    }

    private static List<String> piece(List<String> words, int from, SplittableRandom random) {
        return words.subList(from, Math.min(words.size(), from + random.nextInt(LONGEST_PIECE)));
    }

    private static List<String> copies(List<String> piece, SplittableRandom random) {
        List<String> all = new ArrayList<>();
        for (int copies = random.nextInt(MOST_COPIES); copies > 0; copies--) {
            all.addAll(piece);
        }
        return all;
    }
}
