package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each fault of a chat template is called. */
class TemplateMessagesTest {
    private static final List<ChatMessage> HELLO = List.of(new ChatMessage("user", "Hello"));

    @ParameterizedTest
    @CsvSource(delimiter = '^', quoteCharacter = '~', textBlock = """
            {% for a, b in [[1]] %}{% endfor %} ^ 2 variables cannot take 1 elements
            {{ 'a' < 1 }} ^ a string and an int have no order
            {{ {1: 2} }} ^ an int as the key of a dict is not supported
            {{ 1() }} ^ an int cannot be called
            {{ range }} ^ the function range cannot be printed
            {{ range | tojson }} ^ the function range cannot become JSON
            {{ 'abc'['a':] }} ^ a string cannot bound a slice
            {{ 'a' | upper(x=1) }} ^ the filter `upper` does not support the arguments [x]
            {{ 1.x }} ^ an int has no `x`
            {{ true.x }} ^ a bool has no `x`
            {% for x in 1 %}{% endfor %} ^ an int has no elements to go through
            {{ 1[0] }} ^ an int has no item an int
            {{ 1 | length }} ^ an int has no length
            {{ -'a' }} ^ a string has no sign
            {{ 1[1:2] }} ^ an int has no slices
            {{ 'a' is odd }} ^ a string is no integer to be tested
            {{ 1 * 'a' * 'b' }} ^ `*` cannot join an int and a string
            {{ (1 for x) }} ^ `for` stands where `,` should
            {{ [1] | select | length }} ^ a generator has no length
            {{ 1 | items | list }} ^ the filter `items` needs a dict, not an int
            {{ 'a'.split('') }} ^ the method `split` needs a separator that is not empty
            {{ range(1, 2, 0) | list }} ^ the function `range` needs a step other than 0
            {{ 'a'.split(1) }} ^ the method `split` needs a string, not an int
            {{ 'a' * 'b' }} ^ `*` cannot join a string and a string
            {{ 'a' | replace('', 'b') }} ^ the filter `replace` needs something to look for
            {{ 'a' | replace('b') }} ^ the filter `replace` needs the argument `new`
            {{ namespace(1) }} ^ the function `namespace` supports named arguments only
            {% set loop = 1 %} ^ `loop` cannot be set
            {{ x ^ `}}` is missing
            {{ [1] + 1 }} ^ `+` cannot join a list and an int
            {% for x in [1] %}{{ loop.depth }}{% endfor %} ^ `loop.depth` is not supported
            {% set x = [1] | select %}{{ x | list }}{{ x | list }} ^ a filter's elements are used twice; put `| list` behind the filter
            {% break %} ^ a jump stands outside of loops
            {{ 9223372036854775807 + 1 }} ^ a number is too large
            {{ range(3) }} ^ a range or view of a dict cannot be printed; put `| list` behind it
            {{ [1][::0] }} ^ a slice needs a step other than 0
            {{ 1 / 0 }} ^ division by zero
            {{ 1 % 0 }} ^ division by zero
            {{ 1 is divisibleby(0) }} ^ division by zero
            {{ 'a' * 9000000000 }} ^ it does more than 4194464 steps
            {# x ^ the comment has no end
            {{ '\\u12' }} ^ the escape `\\u` needs 4 hexadecimal digits
            {{ 'a' | center }} ^ the filter `center` is not supported
            {{ '1_0' | int }} ^ the filter `int` does not support "1_0"
            {{ 1e300 }} ^ the float 1.0E300 is too small or too large to be printed
            {{ strftime_now('%d') }} ^ the function `strftime_now` is not supported
            {{ messages[0].update({}) }} ^ the method `update` of a dict is not supported
            {{ messages[0].items }} ^ the method `items` of a dict can only be called
            {{ messages[0].nothing() }} ^ the method `nothing` of a dict is not supported
            {{ 'a'.zfill(3) }} ^ the method `zfill` of a string is not supported
            {{ 1e300 // 1.5 }} ^ the operator `//` is not supported for these floats
            {{ 99999999999999999999 }} ^ the number 99999999999999999999 is too large
            {{ 1 ** 2 }} ^ `**` stands where `}}` should
            {% macro m() %}{% endmacro %} ^ the statement `macro` is not supported here
            {{ 'a ^ the string has no end
            {{ 'a' is lower }} ^ the test `lower` is not supported
            {% set x = {} %}{% set x.a = 1 %} ^ `x` is no namespace; its attributes cannot be set
            {{ 'a' in 1 }} ^ `in` cannot look for a string in an int
            {{ f(a=1, a=2) }} ^ the argument `a` stands twice
            {{ nothing }} ^ `nothing` (undefined) cannot be printed
            {{ nothing.x }} ^ `nothing` (undefined) has no `x`
            {{ range(nothing) }} ^ the function `range` needs an integer, not `nothing` (undefined)
            {{ 1 + nothing }} ^ `+` cannot join an int and `nothing` (undefined)
            {{ nothing() }} ^ `nothing` (undefined) cannot be called
            {{ 'a' ~ nothing }} ^ `nothing` (undefined) cannot be printed
            {{ a ? b }} ^ `?` is not understood
            {{ 1 2 }} ^ `2` stands where `}}` should
            {{ }} ^ `}}` stands where a value should
            {% if %} ^ `%}` stands where a value should
            {% for 1 in x %}{% endfor %} ^ `1` stands where a variable's name should
            {{ x | 1 }} ^ `1` stands where a filter's name should
            {{ x is 1 }} ^ `1` stands where a test's name should
            {{ x.1a }} ^ `a` stands where `}}` should
            {{ x. }} ^ `}}` stands where an attribute's name should
            {% 1 %} ^ `1` stands where a statement's name should
            {% if true %} ^ the end of the template stands where `{% elif` or `else` or `endif %}` should
            {% for x in [1] %}{% endif %} ^ the statement `endif` is not supported here
            {{ [1, }} ^ `}}` is missing
            {{ [1] | tojson(indent=1000) }} ^ the filter `tojson` supports an indent from 0 to 100, not 1000
            {{ [1] | map(attribute='a.b') | list }} ^ the attribute `a.b` is not supported in filters
            {{ 'a'.upper(1) }} ^ the method `upper` takes 0 arguments here, not 1
            {{ x[] }} ^ `}}` stands where an index should
            {{ f(a=1, 2) }} ^ `2` stands where a named argument should
            {% for x in [1] %}{{ loop }}{% endfor %} ^ the loop cannot be printed
            {{ [] | first }} ^ the first of no elements (undefined) cannot be printed
            {{ [1].nothing() }} ^ the method `nothing` of a list is not supported
            {{ 'a'.find() }} ^ the method `find` needs the argument `sub`
            {{ range(9223372036854775806, 9223372036854775807, 5) | list }} ^ a number is too large
            """)
    void everyFaultHasAMessageOfItsOwn(String template, String message) {
        assertThatThrownBy(() -> render(template))
                .isExactlyInstanceOf(TextException.class)
                .hasMessage("chat template, line 1: " + message + "; mend the template, or send a plain prompt");
    }

    @Test
    void whatATemplateSaysOfTheMessagesStaysInItsLine() {
        assertThatThrownBy(() -> render("{{ raise_exception('one\ntwo\u202e') }}"))
                .isExactlyInstanceOf(TextException.class)
                .hasMessage("the chat template refuses the messages: one\\u000atwo\\u202e");
    }

    @Test
    void whatIsNoTemplateIsNamedWithoutOddCharacters() {
        assertThatThrownBy(() -> render("{{ \0 }}")).hasMessageContaining("`\\u0000` is not understood");
        assertThatThrownBy(() -> ChatTemplate.parse("x".repeat((1 << 20) + 1)))
                .hasMessageStartingWith("chat template: it is longer than 1048576 characters");
        assertThatThrownBy(() -> render("{{ 1" + " + 1".repeat(100_000) + " }}"))
                .hasMessageContaining("the tag has more than ");
        assertThatThrownBy(() -> render("{{ " + "(".repeat(200) + "1" + ")".repeat(200) + " }}"))
                .hasMessageContaining("it is nested more than ");
    }

    /** A word after another costs what the text is long, not its square. */
    @Test
    void aLongTextIsCutIntoWordsInNoTime() {
        assertThat(render("{{ ('a ' * 1000000).split() | length }}")).isEqualTo("1000000");
        assertThat(render("{{ (' a  b ' * 2).split(none, 2) | join(',') }}")).isEqualTo("a,b,a  b ");
    }

    private static String render(String template) {
        return ChatTemplate.parse(template).render(HELLO, true, Map.of("bos_token", "<s>"));
    }
}
