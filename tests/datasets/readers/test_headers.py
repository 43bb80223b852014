"""Headers: columns without a name, names one short, and titles above them, beside what pandas makes of them."""

import io

import pytest

from bpcli.datasets.dialect import Dialect
from bpcli.datasets.discovery import discovered
from bpcli.datasets.reading import Files
from bpcli.errors import DataError, OpenReadingError
from bpcli.training.config.suggestion import suggest
from tests.tables import read_table

ROWS = "".join(f"{{}}{k % 7},{k * k % 11},{'yn'[k % 2]}\n" for k in range(30))
PLAIN = "a,b,y\n" + ROWS.replace("{}", "")


def indexed(header, name="{k}"):
    names = iter(range(30))
    return header + "".join(line.format(name.format(k=next(names)) + ",") for line in ROWS.splitlines(keepends=True))


@pytest.fixture
def read(tmp_path):
    def file(content):
        (tmp_path / "t.csv").write_text(content)
        return read_table(tmp_path / "t.csv")

    return file


@pytest.mark.parametrize("header", [",a,b,y\n", '"","a","b","y"\n', ",Unnamed: 0,b,y\n", "a,,,y\n", ",,a,y\n"])
def test_a_column_without_a_name_is_called_as_pandas_calls_it(read, header):
    pandas = pytest.importorskip("pandas")
    content = indexed(header)
    table = read(content)
    assert {*table.names} == {*pandas.read_csv(io.StringIO(content)).columns}
    assert "without a name" in table.notes[0]


@pytest.mark.parametrize("name", ["{k}", '"{k}"', "car {k}"])
@pytest.mark.parametrize("header", [",a,b,y\n", "a,b,y\n"])  # of write.csv and of write.table
def test_row_names_are_read_and_left_out(read, tmp_path, header, name):
    table = read(indexed(header, name))
    assert table.names == ["Unnamed: 0", "a", "b", "y"]
    assert table.numeric("a").tolist() == read(PLAIN).numeric("a").tolist()
    (tmp_path / "t.csv").write_text(indexed(header, name))
    table, _, notes = discovered(Files((tmp_path / "t.csv",)))
    assert suggest(table, None, None)["data.exclude"].value == ("Unnamed: 0",)
    assert ("one name short" in notes[0]) == (header == "a,b,y\n")


@pytest.mark.parametrize("first", ["3", "7"])  # the same in two rows, and going down
def test_a_name_too_few_is_no_row_names_where_the_first_column_can_be_none(read, first):
    with pytest.raises(DataError, match=r"t\.csv:2: expected 3 cells as in the header, found 4"):
        read(f"a,b,y\n7,1,2,0\n{first},1,2,1\n3,1,2,1\n")


@pytest.mark.parametrize("title", ["Results", "Results, by me and others", "Results\n\nOf 2024\n", "Results,,\n,,"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_title_above_the_header_is_told_with_the_line_of_the_header(read, title, delimiter):
    content = (title + "\n" + PLAIN).replace(",", delimiter)
    line = title.count("\n") + 2
    with pytest.raises(DataError, match=rf"(?s)t\.csv:{line}: .*header \(a, b, y\).*title.*data\.comment"):
        read(content)


def test_years_in_order_are_names_below_a_title(read):
    title = '"Data Source","Indicators",\n\n"Updated","2024",\n\n'
    rows = "".join(f"Land {k},L{k},{k},{k * k},1,\n" for k in range(9))
    with pytest.raises(DataError, match=r"(?s)t\.csv:5: this line looks like the header.*tail -n \+5 FILE"):
        read(f"{title}Country,Code,1960,1961,1962,\n" + rows)
    with pytest.raises(DataError, match=r"t\.csv:5: expected 3 cells"):
        read(title + "7,Code,1960,1961,1962,\n" + rows)


@pytest.mark.parametrize("mark", "#%|!;/*")
@pytest.mark.parametrize("place", ["above", "below"])
def test_comments_are_told_and_init_reads_on(read, tmp_path, mark, place):
    lines = f"{mark} from a lab\n{mark} by me\n"
    content = lines + PLAIN if place == "above" else PLAIN + lines
    with pytest.raises(OpenReadingError, match=rf'data\.comment: "\{mark}"'):
        read(content)
    table, dialect, _ = discovered(Files((tmp_path / "t.csv",)))
    assert (table.rows, dialect.comment) == (30, mark)


def test_names_behind_a_mark_are_a_comment_to_init(read, tmp_path):
    with pytest.raises(OpenReadingError, match=r'(?s)t\.csv:1: the first line begins with #.*data\.comment: "#"'):
        read("# a b y\n" + PLAIN.partition("\n")[2].replace(",", " "))
    table, dialect, _ = discovered(Files((tmp_path / "t.csv",)))
    assert (table.names, dialect.header) == (["x1", "x2", "x3"], "no")


def test_columns_of_a_fixed_width_are_told(read):
    with pytest.raises(DataError, match=r"(?s)fixed width.*read_fwf"):
        read("name    age  y\nAl Bo    30  0\nCe       31  1\nDe E F   32  0\n")


@pytest.mark.parametrize("said", ["sep=;", '"sep=;"'])
def test_what_a_spreadsheet_says_of_its_delimiter_holds(read, said):
    table = read(f"{said}\r\na,b;y\r\n1,2;0\r\n3,4;1\r\n")  # by commas too it would be a table
    assert table.names == ["a,b", "y"]
    assert table.numeric("a,b").tolist() == [1.2, 3.4]


def test_a_delimiter_that_is_not_the_file_s_is_named_by_its_key(tmp_path):
    (tmp_path / "t.csv").write_text(PLAIN)
    with pytest.raises(DataError, match=r"(?s)semicolons .*\(data\.delimiter\).* one column, with commas 3.*auto"):
        read_table(tmp_path / "t.csv", dialect=Dialect(delimiter=";"))


def test_labels_of_several_words_are_no_table_below_a_title(read):
    labels = ["u", "z", "z", "v w", "v w", "v w"]
    assert read("\n".join(["label", *labels, ""])).text("label") == labels


def test_a_row_of_words_that_comes_again_is_no_header(read):
    with pytest.raises(OpenReadingError, match="could be data, or names"):
        read("p,x,s\ne,x,y\np,x,s\n")


@pytest.mark.parametrize("mark", "~^:\x01")
def test_another_delimiter_is_offered_and_init_takes_it(read, tmp_path, mark):
    content = PLAIN.replace(",", mark)
    with pytest.raises(OpenReadingError, match=r'(?s)as often as the first.*data\.delimiter: ".*" if it does'):
        read(content)
    table, dialect, _ = discovered(Files((tmp_path / "t.csv",)))
    assert (table.names, dialect.delimiter) == (["a", "b", "y"], mark)
    one = read_table(tmp_path / "t.csv", dialect=Dialect(delimiter=","))
    assert one.names == [f"a{mark}b{mark}y"]
    assert read("a~b\nc\nd~e\n").names == ["a~b"]
