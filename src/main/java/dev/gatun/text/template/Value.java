package dev.gatun.text.template;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A value of a template, with Python's meaning. */
public sealed interface Value {
    /** How deep lists and dictionaries may lie in each other. */
    int DEEPEST = 64;

    /** Something that is not there: only tests, {@code default}, truth and equality accept it. */
    record Undefined(String what) implements Value {}

    /** {@code None}. */
    record None() implements Value {}

    /** {@code True} or {@code False}. */
    record Bool(boolean value) implements Value {}

    /** An integer; beyond 64 bits is an error. */
    record Int(long value) implements Value {}

    /** A float. */
    record Real(double value) implements Value {}

    /** A string. */
    record Text(String value) implements Value {}

    /** What Python would call the sequence. */
    enum Kind {
        LIST,
        TUPLE,
        RANGE,
        /** The keys, values or items of a dictionary. */
        VIEW
    }

    /** Elements in order. */
    record Sequence(List<Value> items, Kind kind, int depth) implements Value {
        /** A sequence of the kind. */
        static Sequence of(List<Value> items, Kind kind) {
            return new Sequence(List.copyOf(items), kind, depthAbove(items));
        }

        /** A list. */
        public static Sequence list(List<Value> items) {
            return of(items, Kind.LIST);
        }
    }

    /** A dictionary; its keys are strings. */
    record Dict(Map<String, Value> entries, int depth) implements Value {
        /** A dictionary of the entries, in their order. */
        public static Dict of(Map<String, Value> entries) {
            return new Dict(new LinkedHashMap<>(entries), depthAbove(entries.values()));
        }
    }

    /** What some filters return: elements that can be taken once. */
    final class Generator implements Value {
        private final List<Value> items;
        private boolean taken;

        Generator(List<Value> items) {
            this.items = List.copyOf(items);
        }

        List<Value> take() {
            if (taken) {
                throw new TemplateException("a filter's elements are used twice; put `| list` behind the filter");
            }
            taken = true;
            return items;
        }
    }

    /** The one value whose attributes a template can set. */
    final class Namespace implements Value {
        private final Map<String, Value> attributes;

        Namespace(Map<String, Value> attributes) {
            this.attributes = new LinkedHashMap<>(attributes);
        }

        Map<String, Value> attributes() {
            return attributes;
        }
    }

    /** The variable {@code loop}. */
    record Loop(List<Value> items, int index) implements Value {}

    /** A function that templates can call. */
    record Function(String name) implements Value {}

    /** What an error message calls it. */
    default String typeName() {
        return switch (this) {
            case Undefined(String what) -> what + " (undefined)";
            case None _ -> "None";
            case Bool _ -> "a bool";
            case Int _ -> "an int";
            case Real _ -> "a float";
            case Text _ -> "a string";
            case Sequence sequence -> "a " + sequence.kind().name().toLowerCase(Locale.ROOT);
            case Dict _ -> "a dict";
            case Generator _ -> "a generator";
            case Namespace _ -> "a namespace";
            case Loop _ -> "the loop";
            case Function(String name) -> "the function " + name;
        };
    }

    private static int depthAbove(Collection<Value> children) {
        int deepest = 0;
        for (Value child : children) {
            int depth = switch (child) {
                case Sequence sequence -> sequence.depth();
                case Dict dict -> dict.depth();
                default -> 0;
            };
            deepest = Math.max(deepest, depth);
        }
        if (deepest >= DEEPEST) {
            throw new TemplateException("lists lie more than %d deep in each other".formatted(DEEPEST));
        }
        return deepest + 1;
    }
}
