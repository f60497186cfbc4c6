"""Every sentence with which Tamis says no, in one place: what is wrong, where, and the fix.

A reader or the planner raises `COLUMN_MISSING(place, name="boddy", …)`; the sentence is `where: what; fix`. The table
in the documentation is made from this catalogue, and a test makes each of them happen.
"""

from dataclasses import dataclass
from typing import Any

from tamis.errors import Broken, Refused


@dataclass
class Refusal:
    """One kind of no. Braces in `what` and `fix` are filled by the values of a call, as `str.format` does."""

    what: str
    fix: str
    error: type[Refused] | type[Broken] = Refused
    name: str = ""

    def __call__(self, where: object = "", **values: Any) -> Refused | Broken:
        """The error to raise: one sentence, `where: what; fix`."""
        place = f"{where}: " if str(where) else ""
        return self.error(f"{place}{self.what.format(**values)}; {self.fix.format(**values)}", self.name)


def breakage(what: str, fix: str) -> Refusal:
    """A kind of failure under way: `Broken` rather than `Refused`."""
    return Refusal(what, fix, Broken)


# budgets
BUDGET_TWICE = Refusal("{asked!r} is named twice", "name each budget once")
BUDGET_SEVERAL = Refusal("several budgets cut several selections", "give one budget here")
BUDGET_THOUSANDS = Refusal("it could be one number or several budgets", "write {one} for one, or {several} for several")
BUDGET_NOTHING = Refusal("it keeps nothing", "ask for more than 0")
BUDGET_NOT_AN_AMOUNT = Refusal("it is not an amount", "write {grammar}")
BUDGET_UNIT_UNREADABLE = Refusal("the unit {unit!r} cannot be read", "write it as in {example!r}")
BUDGET_UNIT_UNKNOWN = Refusal(
    "there is no unit {unit!r}{near}", "the unit can be tokens, chars, bytes or a numeric column of {place} ({columns})"
)
BUDGET_UNIT_NOT_NUMBERS = Refusal(
    "column {name!r} is {kind}, and a cost is a number", "name one of the numeric columns ({columns})"
)
BUDGET_UNQUOTED = Refusal(
    "its unit {unit!r} was read as the name of a pool", "put it in quotes, as in --budget {example!r}"
)
BUDGET_FRACTION_OUTSIDE = Refusal("a fraction must lie between 0 and 1", "give an int for rows")
BUDGET_NOT_WHOLE = Refusal("it is not a whole number of rows", "write {whole}, or a share such as 10%")
BUDGET_OVER_WHOLE = Refusal("it is more than the whole pool", "ask for at most 100%")
BUDGET_OVER_ROWS = Refusal(
    "it is over the pool, of which {eligible:,} rows are eligible", "ask for at most that, or 100%"
)
BUDGET_OVER_COST = Refusal(
    "it is over the pool, whose eligible rows hold {total:,.0f} {unit}", "ask for at most that, or 100%"
)
BUDGET_BELOW_ONE_ROW = Refusal("that share of {eligible:,} eligible rows is less than one row", "ask for more")
BUDGET_AUTO = Refusal("{method} does not choose its own size", "say how much to keep, as in 5000 or 10%")
BUDGET_AUTO_DIVIDED = Refusal(
    "quotas and floors are shares of a budget, and auto leaves its size open", "say how much to keep, as in 5000 or 10%"
)
BUDGET_BELOW_ANY_ROW = Refusal("it is too small for even one row", "ask for more, or add --fill")

# shares and limits
SHARES_UNREADABLE = Refusal("it cannot be read", "write COLUMN=GROUP:SHARE,GROUP:SHARE, as in domain=law:0.3,code:0.2")
SHARE_UNREADABLE = Refusal("{item!r} is not GROUP:SHARE", "write it as in law:0.3, law:30% or law:150")
SHARE_OVER_WHOLE = Refusal("{item!r} asks for more than the whole budget", "lower it")
SHARES_OVER_WHOLE = Refusal("the shares sum to more than 1", "lower them")
SHARES_OVER_BUDGET = Refusal("it asks for {asked:,.12g} of a budget of {limit:,.12g}", "lower it or ask for more")
SHARES_OF_COLUMNS = Refusal("it names several columns", "give shares to the groups of one column at a time")
SHARES_OF_GROUP_TWICE = Refusal("it names a group twice", "name each group once")
SHARES_OF_MIXED_COLUMN = Refusal("column {name!r} of {place} is {kind}", "make it one type")
QUOTA_AND_FLOOR_APART = Refusal("they cannot be kept together", "give both on one column, or one of them")
GROUP_MISSING = Refusal(
    "column {column!r} has no group {group!r}{near}, so that its share cannot be met", "name one of {groups}"
)

# cleaning
RULES_UNREADABLE = Refusal("{item!r} is no threshold", "write NAME:RULE=NUMBER, as in gopher-quality:min-words=20")
RULES_TWICE = Refusal("this set of rules is named twice", "name it once, with all its thresholds")
TEST_TEXTS_UNEVEN = Refusal(
    "there are {found} of them for {sets} test sets", "give one for all test sets, or one for each, in their order"
)
AGAINST_WITHOUT_VECTORS = Refusal(
    "an earlier corpus has no vectors beside those of the pool", "let --represent make both of their texts"
)
CLEANED_AWAY = Refusal(
    "cleaning leaves no row: {count:,} of {rows:,} are dropped for {reason}", "loosen that, or clean for less"
)
NOTHING_TO_CLEAN = Refusal("nothing is asked of the texts", "add --rules, --near-duplicates, --against or --test-set")

# ids
IDS_WITHOUT_COLUMN = Refusal("it names ids, and the pool has no id column", "name the column with --id")
IDS_UNREADABLE = Refusal("the file cannot be read ({said})", "write @FILE with one id a line")
ID_NOT_INTEGER = Refusal("the pool's ids are integers, and {id!r} is not one", "give integers")
ID_MISSING = Refusal("the pool has no id {id!r} ({missing:,} of {asked:,} are not there)", "leave it out, or mend it")
ID_KEPT_AND_EXCLUDED = Refusal("both name the id {id!r}", "name it in one of them")
MUST_KEEP_OVER_BUDGET = Refusal(
    "it costs {over:,.12g} more than budget and quotas allow", "ask for more, or keep fewer"
)
ID_EMPTY = Refusal("column {name!r} has no id here", "give every row one, or go without ids with --id none")
ID_TWICE = Refusal(
    "the id {id!r} was used before, at {first}",
    "make ids unique, name another column with --id, or go without ids with --id none",
)

# pools and files
URL_PACKAGE_MISSING = Refusal(
    "reading {scheme}:// needs a package that is not installed ({said})", "run pip install {packages}"
)
URL_UNKNOWN = Refusal("this kind of URL is not known ({said})", "use one such as s3://, gs:// or https://")
URL_UNREACHABLE = breakage("it cannot be reached ({said})", "check the address and the network, then run again")
URL_NOT_PERMITTED = breakage("it may not be read ({said})", "give credentials {how}, then run again")
URL_WITHOUT_FOLDERS = Refusal("a web server does not say what is in a folder", "name each file")
URL_WITHOUT_SIZE = Refusal("the server does not say how large the file is", "download it, and name the copy")
URL_WITHOUT_RANGES = Refusal("the server gives no part of a file, and this format needs parts", "download the file")
URL_NOT_LOCAL = Refusal("it is a URL, and {what} must be on this machine", "{fix}")
FILE_CHANGED = breakage("the file changed or went away while it was in use", "let it come to rest, then run again")
FOLDER_UNREADABLE = Refusal("the folder cannot be read ({said})", "make it readable")
FILE_UNREADABLE = breakage("the file cannot be read ({said})", "restore the file and run again")
FILE_NOT_WHOLE = Refusal("it is not a whole {format} file ({said})", "write it again")
FILE_UNKNOWN_FORMAT = Refusal("its format is unknown", "a {what} is {formats}, so convert it")
FILE_IS_LINK_TO_NOTHING = Refusal("it is {said}", "mend it, or remove it from the {what}")
FILE_NAME_NOT_UTF8 = Refusal("the name of this file in the {what} is not UTF-8", "rename it")
POOL_MISSING = Refusal("there is no {what} here", "check the path{hint}")
POOL_NO_FILES = Refusal("the folder holds no file of a known format ({formats})", "name the {what}'s own folder")
POOL_EMPTY = Refusal("the {what} is empty", "give it at least one row")
POOL_UNKNOWN_TYPE = Refusal(
    "{kind} is nothing that rows can be taken from",
    "give a path, several paths, an Arrow, pandas or polars table, a dict of columns, or NumPy arrays",
)
POOL_COLUMNS_DIFFER = Refusal("its columns are not those of {other}: {said}", "write the files with one schema")
DATASET_OF_SPLITS = Refusal("it is a data set of several splits ({splits})", "name one, as in {example}")
DATASET_WITH_INDICES = Refusal(
    "its rows are chosen by indices beside them", "save it again as dataset.flatten_indices().save_to_disk(folder)"
)
DATASET_UNREADABLE = Refusal("it does not describe a saved data set ({said})", "save it again with save_to_disk")
DATASET_STREAMED = Refusal(
    "the rows of an IterableDataset can be read once and in no parts",
    "take some, as in datasets.Dataset.from_list(list(dataset.take(100_000)))",
)
FRAME_IS_LAZY = Refusal("a LazyFrame has no rows yet", "give frame.collect()")
COLUMN_ALONE = Refusal("{kind} holds one column without a name", "give it a name, as in {{'score': values}}")
ARRAY_WITHOUT_NAME = Refusal(
    "an array of shape {shape} is one column without a name",
    "give a dict of columns or a .npz file, as in numpy.savez(path, score=array)",
)
ROWS_IN_LIST = Refusal("a list with a dict for each row is no table", "give pyarrow.Table.from_pylist(rows)")
TABLE_UNUSABLE = Refusal("it cannot be taken as an Arrow table ({said})", "give columns of plain types")
COLUMN_NAME_NOT_TEXT = Refusal("a column is called {name!r}, which is of type {kind}", "name columns with strings")
COLUMN_UNUSABLE = Refusal(
    "column {name!r} cannot be taken ({said})", "give a list or an array with one value of one type a row"
)
COLUMN_OF_OTHER_LENGTH = Refusal(
    "column {name!r} has {found:,} values and {other!r} has {expected:,}", "give all columns one length"
)
FILE_FEATHER_ONE = Refusal(
    "it is of version 1 of Feather, which has ended",
    "write it again, as in pyarrow.feather.write_feather(pyarrow.feather.read_table(path), new_path)",
)
COLUMNS_OF_ONE_NAME = Refusal("{count} columns are called {name!r}", "rename all but one")
ROWS_DO_NOT_FIT = Refusal(
    "its rows do not fit the types of the pool's first file ({said})",
    "write the files with one schema, or add --no-subset (in Python, give apply a path)",
)

# columns and roles
COLUMN_MISSING = Refusal("there is no column {name!r}{near}", "{flag} can name one of {columns}")
COLUMN_WRONG_TYPE = Refusal("column {name!r} is {kind}", "{flag} needs {accepted}")
TEXT_MISSING = Refusal("there is no text column, and one is needed", "its columns are {columns}")
TEXT_UNCLEAR = Refusal(
    "several columns could be the text", "name one with {flag}, or make one with --template, of {columns}"
)
TEXT_GIVEN_TWICE = Refusal("both say what the text is", "give one of them")

# texts made by a template
TEMPLATE_UNKNOWN = Refusal(
    "there is no template of this name{near}",
    "name one of {known}, or write columns in braces as in '{{instruction}}\\n{{output}}'",
)
TEMPLATE_NOT_FITTING = Refusal("its columns are not in {place}", "it needs {columns}")
TEMPLATE_BRACE = Refusal("the brace at character {at} stands alone", "write {{column}}, and two braces for one")
TEMPLATE_WITHOUT_COLUMN = Refusal("it names no column", "write columns in braces as in '{{instruction}}\\n{{output}}'")
TEMPLATE_ROLE_UNKNOWN = Refusal(
    "column {name!r} holds chat turns, which have no role {role!r}{near}", "--template can name one of {known}"
)
TEMPLATE_FIELD_UNKNOWN = Refusal(
    "column {name!r} has no field {field!r}{near} with a text", "--template can name one of {known}"
)
TURNS_UNREADABLE = Refusal(
    "column {name!r} holds no list of chat turns here ({said})",
    'write turns as in [{{"role": "user", "content": "Hello"}}], or remove the row',
)

# vectors
VECTOR_FILE_MISSING = Refusal("there is no file at {path}", "check the path, or name columns of the pool")
VECTOR_FILE_UNREADABLE = Refusal("the vectors cannot be read ({said})", "write them with numpy.save or numpy.savez")
VECTOR_FILE_SHAPE = Refusal(
    "it holds an array of shape {shape} and type {dtype}", "give numbers of shape [rows, width], without rows of 0"
)
VECTOR_FILE_KEY = Refusal("it holds no array called {key!r}{near}", "name one of {known}")
VECTOR_FILE_OF_SEVERAL = Refusal("it holds several arrays", "name one of {known}")
VECTOR_FILE_ROWS = Refusal("it holds {found:,} vectors and the pool {rows:,} rows", "give one a row, in row order")
VECTOR_NOT_FINITE = Refusal("the vector holds NaN or an infinity", "mend it, since vectors must be finite")
VECTORS_NEEDED = Refusal(
    "it needs an embedding",
    "give --embedding COLUMN, 'f*' or FILE.npy, where columns of lists are {columns}, or name a --text to make it of",
)
VECTORS_BESIDE_FILES = Refusal(
    "an array cannot stand beside a pool of files", "save it with numpy.save and give its path"
)
REPRESENT_WITHOUT_IMAGES = Refusal("there is no image column to represent", "name it with --image")
COLUMNS_NOT_MATCHED = Refusal("no column is called as in {pattern!r}{near}", "--embedding can name some of {columns}")
VECTOR_MISSING = Refusal("column {name!r} has no vector here", "give every row one, or remove the row")
VECTOR_OF_OTHER_WIDTH = Refusal(
    "column {name!r} has a vector of {found} numbers where {width} are needed", "give all rows vectors of one width"
)
VECTOR_UNREADABLE = Refusal(
    "column {name!r} holds no list of numbers here ({said})", "write vectors as in [0.5, -1.25], or remove the row"
)

# values in rows
NUMBER_NOT_FINITE = Refusal("column {name!r} has {found} where a finite number is needed", "mend or remove the row")
COST_NEGATIVE = Refusal("column {name!r} is {value:g}, and a cost is at least 0", "mend or remove the row")
TEXT_NOT_STRINGS = Refusal("a column of {type} is no text", "name a column of strings")
NOT_HASHABLE = Refusal("it cannot be hashed", "give strings, binary values or integers")
TARGET_EMPTY = Refusal("it is empty", "give at least one text")
NO_WORDS = Refusal("it holds no text", "give at least one document with a word")
VALUE_WRONG_TYPE = Refusal("column {name!r} cannot be read as {expected} ({said})", "mend or remove the row")
JSON_WRONG_KIND = Refusal(
    "column {name!r} holds a value of kind {kind} where {expected} is needed", "mend or remove the row"
)
JSON_INVALID = Refusal("{said}", "mend or remove the line")
JSON_ARRAY_INVALID = Refusal("invalid JSON: {said}", "mend the array, or write one JSON object a line")
JSON_NOT_OBJECT = Refusal("it is not an object", "write one JSON object a line")
CSV_ENCODING = Refusal("it is {found}, seen in its first bytes, and not UTF-8", "save it as UTF-8")
CSV_HEADER_MISSING = Refusal("it has no header{said}", "write the names of the columns into its first line")
CSV_NAME_EMPTY = Refusal(
    "column {number} has no name in the header", "name it (of pandas' index, leave it out by to_csv(index=False))"
)
CSV_FIELDS = Refusal(
    "it has {found}, and the header has {expected}",
    "put a field that holds {delimiter!r} or a newline in double quotes, or mend the row",
)
CSV_VALUE = Refusal(
    "column {name!r} holds {value}, which is not {expected}",
    "mend the row, or leave the field empty where nothing is known",
)
CSV_QUOTE_OPEN = Refusal("a double quote opens a field here and is never closed", "close it, or remove it")
CSV_RECORD_TOO_LONG = Refusal("the row has more than 512 MB", "close the quote that its first line opens, or split it")
CSV_DELIMITERS_DIFFER = Refusal(
    "{here} stands between its fields, and {there} in {other}", "write the files with one delimiter"
)
CSV_UNCLEAR = Refusal(
    "of the {rows:,} rows from here on Arrow makes something else ({said})", "write the file again with usual quotes"
)
NOT_UTF8 = Refusal("it is not UTF-8 at byte {byte} of the line", "save it as UTF-8")

# images and their encoders
IMAGE_MISSING = Refusal("column {name!r} has no image here ({said})", "mend or remove the row")
IMAGE_UNREADABLE = Refusal("the image cannot be read ({said})", "mend or remove the row")
ENCODER_UNKNOWN = Refusal("there is no such encoder{near}", "name small-image, or the file of an ONNX model")
ENCODER_UNUSABLE = Refusal(
    "the model cannot be used ({said})", "give an ONNX model that makes one vector of numbers of each RGB image"
)
ENCODER_NOT_FINITE = Refusal("the model {name} gives {found} for this image", "remove the row, or use another model")

# models of text
REPRESENT_WITH_VECTORS = Refusal("{given} names vectors as well", "give one of the two")
MEASURE_UNKNOWN = Refusal(
    "there is no such measure of texts{near}", "name {known}, or the folder of a model on this machine"
)
LATENT_OF_TOO_LITTLE = Refusal(
    "{texts:,} texts have no words in common by which to tell them apart",
    "give more texts, or take --represent hashed-words or a model",
)
MODEL_WITHOUT_LOSSES = Refusal(
    "it makes vectors and predicts no tokens, so that it gives no losses", "name the folder of a causal language model"
)
MODELS_FOR_TARGETS = Refusal(
    "there are {found} of them for {targets} targets", "name one for each target, in their order, with commas between"
)
MODEL_FOLDER_MISSING = Refusal("there is no such folder", "give a model's folder on this machine, as none is fetched")
MODEL_LACKS = Refusal("the folder has no {what} ({names})", "save the model and its tokenizer with save_pretrained")
MODEL_PICKLED = Refusal(
    "its weights are only in {name}, a pickle, which can run code", "save them as safetensors, or give --trust-pickle"
)
MODEL_NEEDS_CODE = Refusal(
    "it needs {name}, code that comes with the model, which is never run", "use a model that {library} knows"
)
MODEL_NOT_CAUSAL = Refusal("it is no causal language model ({said})", "give one that predicts the next token")
MODEL_UNREADABLE = Refusal("the model cannot be used ({said})", "save it again, or use another model")
MODEL_NOT_FINITE = Refusal(
    "what {name} makes of it holds {found}, where finite numbers are due",
    "remove the row, or load the model in float32",
)
TOKENIZERS_DIFFER = Refusal(
    "its tokenizer is another one than that of {other}, and losses per token of the two cannot be compared",
    "use models with one tokenizer, or losses per character or byte",
)

# methods and their parts
NAME_UNKNOWN = Refusal("there is no such {sort}{near}", "name one of {known}")
ROLE_UNKNOWN = Refusal("{word!r} is no role{near}", "name one of {roles}")
NEED_WITHOUT_COLUMN = Refusal("it needs a {need}", "name its column with {flag}, one of {columns}")
NEED_WITHOUT_ANY_COLUMN = Refusal(
    "it needs a {need}, and {place} has no column of type {accepted} for it", "add such a column, or use another method"
)
TARGET_NEEDED = Refusal("it needs a target", "give a sample of what you want with --target FILE")
CHOOSER_OF_ORDER = Refusal("{method} makes an order by itself", "leave --choose out")
METHOD_WITHOUT_SCORES = Refusal("it makes an order and gives no scores", "run tamis select with it")
SCORE_KEEPS_NONE = Refusal("it means nothing where no row is kept", "leave it out, or use select")
METHOD_ADMITS_NONE = Refusal("it admits none of the {eligible:,} eligible rows", "change {names}")
NO_ROW_ELIGIBLE = Refusal(
    "no row may be chosen, since all are excluded or without text", "name another --text, or exclude fewer"
)

# parameters
PARAMETER_UNKNOWN = Refusal("it has no parameter {name!r}{near}", "it takes {known}")
PARAMETER_UNUSABLE = Refusal(
    "{name}={value!r} cannot be used ({said})", "give another value, or its default {default!r}"
)
PARAMETER_OUT_OF_RANGE = Refusal("it is out of range", "give {accepted}")
PARAMETER_NOT_LISTED = Refusal("it is unknown", "give one of {known}")
TEMPERATURE_TOO_LOW = Refusal(
    "it is too near 0 for a score of {score:g}, since their ratio overflows",
    "raise it, or give 0, which takes the best",
)
TARGET_SHARES_UNREADABLE = Refusal("it cannot be read", "write equal, tokens, or a number a target as in 0.5,0.5")
TARGET_SHARES_MISFIT = Refusal("it does not fit {targets} targets", "give one number of at least 0 for each")

# methods of one's own
OWN_FILE_MISSING = Refusal("there is no file {path}", "check the path")
OWN_FILE_UNREADABLE = Refusal("the file cannot be read ({said})", "make it readable")
OWN_FILE_FAILS = Refusal("the file cannot be imported ({said})", "mend it")
OWN_FUNCTION_MISSING = Refusal("the file has no function {name!r}{near}", "name one of {known}")
OWN_FUNCTION_UNUSABLE = Refusal("{said}", "mend its signature")
METHOD_FAILED = breakage("its code failed ({said})", "mend it, or set TAMIS_DEBUG=1 to see where")
FIT_OF_ORDER = Refusal("it gives {kind}, and only a Score or a Match can have a fit", "leave the fit out")
NEED_NOT_SUPPLIED = Refusal("it needs {need!r}, and {kind} can only have {known}", "drop it")
SCORES_OF_WRONG_SHAPE = Refusal("it gave scores of shape {shape} for {rows:,} rows", "give one a row")
SCORES_OF_WRONG_COUNT = Refusal("it gave {found} columns of scores", "give {wanted}, as is due for a {kind}")
SCORES_NOT_FINITE = Refusal("it gave {found} for row {row} of a batch", "give finite scores")
ORDER_NOT_DISTINCT = Refusal("it gave no order of distinct rows", "give each row at most once, as int64 [k]")
ORDER_OUTSIDE = Refusal("it gave a row outside 0 … {last}", "give places of the rows that it was given")

# output folder and selections
OUTPUT_IS_FILE = Refusal("it is a file", "name a folder")
OUTPUT_OF_OTHERS = Refusal("it holds files that Tamis did not write", "name a new or an empty folder")
OUTPUT_OF_ANOTHER_REQUEST = Refusal(
    "it holds another selection, for which {name} was {old!r} and is now {new!r}",
    "name another folder, or add --force to replace it",
)
OUTPUT_OF_CHANGED_FILES = Refusal(
    "it was made before the files of {names} changed",
    "add --force to choose again (shards that did not change are not read again)",
)
OUTPUT_IN_USE = Refusal("it is being written by another tamis", "wait for it, or name another folder")
SELECTION_MISSING = Refusal("it holds no finished selection, since {name} is missing", "run tamis select -o {path}")
SELECTIONS_OF_TWO_POOLS = Refusal(
    "the two selections were made from different pools, so that their rows do not mean the same",
    "combine selections of one pool",
)
APPLY_TO_OTHER_FORMAT = Refusal("rows are written as the pool has them", "name a file that ends in {suffix}")
FILE_EXISTS = Refusal("it exists", "name a new file")
FOLDER_NOT_EMPTY = Refusal("it is not an empty folder", "name a new one")
REPORT_MISSING = Refusal("this selection has no report, since it was combined of others", "select again for one")
POOL_OF_OTHER_IDS = Refusal("it has other ids at the selected rows", "give the pool that the selection was made from")
POOL_OF_OTHER_SIZE = Refusal("it has {rows:,} rows and the selection was made from {known:,}", "give the same pool")

# looking in
RESTORE = "restore the file, or select again with --force"
WRITE_AGAIN = "write it again with tamis apply {folder} POOL -o FILE"
OUTPUT_UNREADABLE = breakage("it cannot be read ({said})", RESTORE)
OUTPUT_FILE_MISSING = breakage("it is missing", RESTORE)
OUTPUT_COLUMNS_CHANGED = breakage("its columns are {found} and should be {expected}", RESTORE)
OUTPUT_ROWS_CHANGED = breakage("it has {found:,} rows and the manifest says {expected:,}", RESTORE)
OUTPUT_VALUE_CHANGED = breakage("{name} is {found} and should be {expected}", RESTORE)
SELECTION_ROW_TWICE = breakage("row {row:,} of the pool is there already, with rank {rank:,}", RESTORE)
SELECTION_ROW_NOT_ELIGIBLE = breakage("row {row:,} of the pool was kept, and it is {said}", RESTORE)
SELECTION_OUT_OF_ORDER = breakage(
    "row {row:,} of the pool comes after row {before:,}, which {chooser} takes later",
    RESTORE,
)
SELECTION_LEAVES_OUT = breakage(
    "row {row:,} of the pool, with score {score:.12g}, was dropped, and {chooser} takes it before kept row {kept:,}",
    RESTORE,
)
SUBSET_CHANGED = breakage("it is not {expected}", WRITE_AGAIN)
SUBSET_TOO_SHORT = breakage("it ends after {found:,} rows of {expected:,}", WRITE_AGAIN)
SUBSET_TOO_LONG = breakage("it goes on after the {expected:,} kept rows", WRITE_AGAIN)
POOL_FILES_CHANGED = breakage(
    "{said}, which is not as it was when rows were chosen", "restore the pool, or select again"
)
POOL_ROWS_CHANGED = breakage(
    "it has {found:,} rows and {expected:,} were read{first}", "restore the file, or select again"
)
POOL_VALUE_CHANGED = breakage(
    "{name} is {found} here, and it was {expected} when the row was chosen", "restore the file, or select again"
)
POOL_FILE_CHANGED = breakage("what was read of it has changed{first}", "restore the file, or select again")
ID_UNKNOWN = Refusal("the pool has no such id{near}", "check it, or name the row with --row")
ID_OF_POOL_WITHOUT = Refusal("the pool has no ids", "name the row with --row")
ROW_OUTSIDE = Refusal("the pool has the rows 0 to {last:,}", "name one of them")
ROW_OR_ID = Refusal("it needs one of --id and --row", "name an id, or the number of a row")
SEVERAL_SELECTIONS = Refusal("it holds the selections of several budgets", "name one of {folders}")
NO_SELECTION = Refusal("it is no selection, since it has no column {name!r}", "name an output folder")
SELECTIONS_NOT_COMPARABLE = Refusal(
    "they were made from different pools, and without ids no row is known again", "compare selections of one pool"
)
POOL_WAS_A_TABLE = Refusal("it was chosen from a table in memory", "give the table, as in tamis.verify(folder, table)")

# recipes and flags
INCOMPLETE = Refusal("{name} is missing", "add {meaning}")
KEY_UNKNOWN = Refusal("there is no key {name!r}{near}", "known are {known}")
VALUE_UNUSABLE = Refusal("{name} cannot be {value!r} ({said})", "give {meaning}")
RECIPE_UNREADABLE = Refusal("it is neither YAML nor, as .toml, TOML ({said})", "mend it")
RECIPE_NOT_A_MAPPING = Refusal("it must be a mapping", "write the flags of tamis select, such as 'method: dsir'")
COMMAND_UNKNOWN = Refusal("there is no command {name!r}{near}", "name one of {known}")
FLAG_UNKNOWN = Refusal("there is no flag {name!r}{near}", "run tamis {command} --help to see all")
FLAG_UNUSABLE = Refusal("{said}", "run tamis {command} --help to see what it takes")
PATH_UNUSABLE = Refusal("{said}", "check the path")
PAIR_UNREADABLE = Refusal("it cannot be read", "write NAME=VALUE")

# evidence
STUDY_SEEDS = Refusal("one seed cannot tell a difference from chance", "ask for at least 2 seeds, better 5")
STUDY_STEPS_AND_EPOCHS = Refusal(
    "a fit cannot be both so many epochs and {steps:,} steps long", "leave out --epochs or --steps"
)
STUDY_LENGTH = Refusal(
    "{model} has no {what} to count", "leave out --{what}, or use a model that has them, such as --model mlp"
)
STUDY_CHARGE = Refusal(
    "a charge of {found!r} is no cost", "give the processor seconds that making its columns took, such as 61.5"
)
STUDY_METHODS = Refusal("methods must be names, or mappings with a method", "write them as in random,top:quality")
STUDY_METHOD_TWICE = Refusal("two methods are called {name!r}", "name each once, or give one of them a name of its own")
STUDY_NAME_TAKEN = Refusal(
    "{name!r} is what the bench calls its own choice to compare with", "give the method another name"
)
STUDY_SET_OF_NO_METHOD = Refusal("no method of the study is called {name!r}{near}", "name one of {known}")
STUDY_LABEL_MISSING = Refusal("the task classify needs a column of classes", "name it with --label (one of {columns})")
STUDY_LABEL_EMPTY = Refusal("column {name!r} holds nothing there", "leave such rows out, or name another --label")
STUDY_ONE_CLASS = Refusal(
    "all rows have {name!r} = {found!r}, so there is nothing to tell apart", "give examples of at least two classes"
)
STUDY_CLASSES_TOO_MANY = Refusal(
    "column {name!r} has {classes:,} classes in {rows:,} rows", "name a column of classes with --label"
)
STUDY_FEATURES_MISSING = Refusal(
    "there is no column of numbers left to learn from", "name vectors with --embedding, or columns as in 'f*'"
)
STUDY_FEATURE_INFINITE = Refusal("column {name!r} holds an infinity there", "mend it, or name --embedding")
STUDY_VECTORS_IN_FILE = Refusal(
    "a file of vectors beside the pool has none for the test set", "put the vectors into a column of both"
)
STUDY_WIDTHS_DIFFER = Refusal("its vectors have {found} numbers, those of the pool {width}", "embed both alike")
STUDY_OVERLAP = Refusal(
    "{count:,} of the {rows:,} examples of the test set are in the pool too ({first}), so that a model would be judged "
    "on what it learnt",
    "take them out of one of the two, or add --overlap drop to leave them out of the pool",
)
STUDY_NOTHING_LEFT = Refusal("no rows are left in the {part}", "give more rows, or hold out another share of them")
STUDY_HOLDOUT = Refusal("it is not a share of the pool between 0 and 100%", "write it as in 20%")
STUDY_TARGET_NEEDED = Refusal("the task {task} is judged on texts of a target", "give --target FILE")
STUDY_TARGET_SMALL = Refusal(
    "half of its {rows:,} texts is held out, which leaves too few", "give more of them, or held-out ones with --test"
)
STUDY_METRIC_UNKNOWN = Refusal("the task {task} has no metric {name!r}{near}", "name one of {known}")
STUDY_METRIC_CONSTANT = Refusal(
    "the metric {name!r} is {value:.6g} in all {cells:,} cells, so it cannot tell methods apart",
    "give a harder task, a larger test set, or another --metric",
)
STUDY_PEEKED = Refusal(
    "it opened {path}, which holds the examples that it is judged on", "choose without looking at the test set"
)
STUDY_UNFINISHED = Refusal("there is no {name} in {path}, so no finished study", "run tamis bench -o {path} again")
STUDY_ALL_FAILED = breakage("every cell of {names} failed, the first with: {said}", "see the tracebacks in {path}")
TASK_WITHOUT_MODELS = Refusal("the task {task} has no models to choose from", "leave --model out")
COVER_OF_NOTHING = Refusal(
    "there is nothing that the chosen examples could cover, neither numbers, nor groups, nor texts of a target",
    "name vectors with --embedding, a --group, or a --target",
)
SCHEDULE_NOT_SELECTED = Refusal("it changes while a model trains, so it keeps no rows", "use it with tamis bench")
SCHEDULE_WITHOUT_LIMITS = Refusal("{flag} is for methods that keep rows, and this one draws anew", "leave {flag} out")
SCHEDULE_OF_COST = Refusal("it draws rows, and {budget!r} is an amount of {unit}", "ask for rows or a share, as in 10%")
SCHEDULE_WITHOUT_STEPS = Refusal(
    "it changes while a model trains, and {model} learns from all its examples at once",
    "use a model that takes steps, such as --model mlp",
)
SCHEDULE_UNUSABLE = Refusal("it gave {said}, which is no Schedule", "return an object with start, draw and update")
SCHEDULE_DREW = Refusal(
    "in epoch {epoch:,} it drew {said}",
    "draw 1 to {count:,} places of 0 … {last:,}, and finite weights of at least 0 or None",
)
IMAGE_SHAPE_UNREADABLE = Refusal("it is no shape of an image", "write it as in shape=28x28 or shape=3x32x32")
IMAGE_SHAPE_MISFIT = Refusal(
    "an image of that shape has {wanted:,} numbers, and the examples have {found:,}", "give the shape of the examples"
)
IMAGE_SHAPE_UNKNOWN = Refusal(
    "{found:,} numbers are no square image of one or three colours", "say what they are, as in --set shape=28x20"
)

# packages, workers and the machine
PACKAGE_MISSING = Refusal("this needs the package {package}", "run pip install 'tamis[{extra}]'")
TOKENIZER_UNREADABLE = Refusal("the file cannot be read ({said})", "give a tokenizer.json")
WORKERS_CANNOT_START = breakage("workers cannot start ({said})", "mend it, or use --workers 1")
WORKER_KILLED = breakage(
    "a worker was killed (too little memory?)", "finished shards are kept, so run the same command again"
)
OUT_OF_MEMORY = breakage("the memory did not suffice", "run again with fewer --workers")
WRITING_FAILED = breakage("it cannot be written ({said})", "mend that and run again")
UNEXPECTED = breakage("{said}", "set TAMIS_DEBUG=1 to see where")

# earlier selections and steps
WITHIN_OTHER_POOL = Refusal("it was made from other files than the pool", "give the pool that it was made from")
NOT_OF_ONE_REQUEST = Refusal(
    "the selection was not made by one request from files", "make the selection again with the budget that you want"
)
RECUT_LARGER = Refusal("the selection keeps {kept:,} rows", "ask for at most that, or run tamis recut on its folder")
RECUT_LIMITED = Refusal(
    "a prefix of this selection is not what a smaller budget keeps, with its quotas, targets, costs or weights",
    "run tamis recut on its folder",
)
STEPS_NOT_A_LIST = Refusal("steps must be a list of mappings, such as '- method: dsir'", "mend the recipe")
STEP_KEY_OF_ONE = Refusal("{key!r} belongs to the {which} step", "leave it out of the others")
WITHIN_NOT_KEPT = Refusal("the earlier selection does not keep {id!r}", "leave it out, or choose within another")
RECUT_CHANGED = Refusal("{names} changed since the selection was made", "make the selection again")
STEP_KEY = Refusal("{key!r} belongs to the whole recipe", "write it above the steps")

# methods on sets
STUDY_NEED_IN_FILE = Refusal(
    "a file beside the pool cannot follow the rows of a split", "put it into columns of the pool"
)
ID_HAD_ALREADY = Refusal("{id!r} is in the selection to start from", "leave it out of one of the two")
CHOOSER_OF_OTHER_KIND = Refusal("{method} gives a {kind}, and this chooses by something else", "name one of {known}")
WEIGHT_NEGATIVE = Refusal(
    "column {name!r} is {value:.6g}, and a weight is at least 0", "mend the weight, or drop the row"
)
NEED_NOT_BOUND = Refusal("it needs {need}, which nothing supplies", "say where it is: {supply}")
MEMORY_UNREADABLE = Refusal("it is not an amount of memory", "write it as in 2GB or 500MB")
MEMORY_OVER = Refusal(
    "to see these rows at once takes {wanted} of memory, and {allowed} are allowed",
    "allow more with --memory, or choose among fewer rows with --within",
)
TAGS_UNREADABLE = Refusal(
    "column {name!r} has no tags ({said})", "give lists of text, JSON arrays of text, or text with semicolons between"
)
TAG_TABLE_UNCLEAR = Refusal(
    "a table of tags has one column of text and one of vectors, and this one has {columns}", "leave out the others"
)
TAG_WITHOUT_VECTOR = Refusal(
    "{count:,} tags of the pool have no vector in it, as {tag!r}", "add them, or leave out --use tag_embedding"
)
TARGET_WITHOUT_VECTORS = Refusal(
    "it has no vectors like the pool's {name!r} ({columns})", "say where they are with --use target_embedding"
)
TARGET_OF_OTHER_WIDTH = Refusal(
    "its vectors have {found:,} numbers and the pool's {width:,}", "make both by the same encoder"
)
VECTOR_OF_ZEROS = Refusal(
    "its vector is all zeros and has no direction", "remove the row, or use a metric other than the cosine"
)
SIMILARITY_NEGATIVE = Refusal(
    "its similarity to another row is {value:.6g}, and none may be negative here",
    "use --set metric=cosine, which counts negative ones as 0, or give others",
)
SIMILARITY_TOO_LARGE = Refusal(
    "its similarity to another row is beyond float32", "divide the vectors by a constant, or use --set metric=cosine"
)
OPTIONAL_NEED_MISSING = Refusal("it needs {need}", "supply it with {fix}")
SIMILARITIES_NOT_SQUARE = Refusal(
    "the matrix of similarities has {rows:,} rows and {columns:,} columns", "give a column for each row"
)
FEATURE_OUTSIDE = Refusal("its vector holds {value:.6g}", "give numbers of {accepted}")
SCORE_NEGATIVE = Refusal("its score is {value:.6g}, where scores are amounts", "give scores of at least 0")
ODDS_NEGATIVE = Refusal(
    "its score is {value:.6g}, and odds in proportion to it would be negative",
    "give scores of at least 0, or use --set sampling=softmax",
)
TAGS_TOO_NEAR = Refusal("more than {most:,} pairs of tags are that near", "give a larger threshold")
TAGS_NONE = Refusal("no row has a tag", "name another column of tags")
TAG_OF_ZEROS = Refusal("its vector is all zeros and has no direction", "give it another, or remove the tag")
SIMILARITY_ONE_WAY = Refusal(
    "its similarity to row {other:,} is {value:.6g}, and {back:.6g} the other way", "give a symmetric matrix"
)
KERNEL_NOT_POSITIVE = Refusal(
    "its similarities to the rows chosen so far are those of no vectors (the smallest eigenvalue is {least:.3g})",
    "give a ridge above {jitter:.3g}, or choose another metric",
)
TRANSPORT_UNCONVERGED = Refusal(
    "transport still misplaces {error} of the mass after {iterations:,} iterations", "ask for a larger epsilon"
)
DISTANCES_NOT_SQUARE = Refusal(
    "the matrix of distances has {rows:,} rows and {columns:,} columns", "give a column for each row"
)
DISTANCE_NEGATIVE = Refusal(
    "its distance to row {other:,} is {value:.6g}", "give distances, of which none is negative, or use another metric"
)
PROBABILITIES_UNUSABLE = Refusal(
    "its {count:,} probabilities {said}", "give what a softmax makes, numbers of at least 0 that sum to 1"
)
MARGIN_OF_ONE_CLASS = Refusal(
    "there is one class, and a margin is between two", "give a probability of each class in --use probs"
)
TERM_NOT_SUPPLIED = Refusal(
    "this is the weight of a term that needs {needs}, which is not given", "give {supply}, or leave the weight out"
)
TERMS_MISSING = Refusal(
    "there is no term to maximise",
    "give --score COLUMN for quality, --embedding COLUMN for coverage, with it --target FILE for similarity or --start "
    "SELECTION for novelty, or --use balance=COLUMN=GROUP:SHARE,… for balance, and not a weight of 0 for all of them",
)

# scikit-learn
SELECTOR_NEED_MISSING = Refusal("it needs {need} besides X and y", "give it to fit as {need}=…, which is {meaning}")
SELECTOR_NEED_ELSEWHERE = Refusal(
    "it needs {need}, which X and y do not hold", "use tamis.select, or one of TamisSelector.methods()"
)
SELECTOR_NEED_UNKNOWN = Refusal("it is given {need}{near}, which it does not take", "leave it out (it takes {known})")
SELECTOR_START = Refusal("it does not hold rows of X", "give places from 0 to {last}, or True or False for each row")
SELECTOR_BUDGET = Refusal("an estimator keeps one number of rows", "ask for rows or a share, as in 100 or 0.1")
SELECTOR_CLASSES = Refusal(
    "it holds {said}, and rows are resampled by classes", "call fit instead, and take the rows of indices_"
)
SELECTOR_OTHER_ROWS = Refusal(
    "it has {found:,} rows, and rows were chosen among {rows:,}",
    "give the rows of fit in the same order, or use TamisSampler in a pipeline that predicts",
)

# training
ERROR_OF_ONE_CLASS = Refusal(
    "there is a probability of one class, which is always right", "give one of each class in --use probs"
)
CLASSES_WITHOUT_COLUMN = Refusal(
    "there are {classes:,} classes and {columns:,} probabilities a row",
    "give a probability of each class in --use probs, or exclude rows without a label",
)
NULL_PROBABILITIES_UNUSABLE = Refusal(
    "its {count:,} probabilities without the input {said}", "give in --use null_probs numbers that sum to 1"
)
NULL_PROBABILITIES_OF_OTHERS = Refusal(
    "without the input there are {found:,} probabilities a row, and {columns:,} with it",
    "give those of the same classes in the same order",
)
VISITS_TOO_FEW = Refusal(
    "there is {visits} visit a row, and what was right is forgotten between two", "give 2 or more in --use correct"
)
CORRECT_UNUSABLE = Refusal("one of its visits is {value:.6g}", "give 1 where the model was right, and 0 where not")
ROW_VISITED_TOO_RARELY = Refusal(
    "its visits that are not NaN are {visits}, and {what} needs {needed} or more",
    "take the row out of the pool, or record more epochs",
)
RECORD_ARRAY = Refusal("it is {found}", "give {wanted}")
RECORD_OUTSIDE = Refusal("{value:,} is none of the {count:,} {what}", "give numbers from 0 to {last:,}")
RECORD_TWICE = Refusal(
    "{id:,} comes twice in one update",
    "record each example once a step (where several processes fill up the last batch, leave that batch out)",
)
RECORD_NOT_FINITE = Refusal(
    "example {id:,} has {value:g}, which is no finite float32",
    "look for where training diverged (a class that is masked may have -1e4)",
)
RECORD_OTHER_INPUT = Refusal("the recorder was made {made}", "give {wanted}, or make it {instead}")
RECORD_NEVER = Refusal("{name!r}{near} was not recorded", "ask for one of {known}")
RECORD_ELSEWHERE = Refusal("rank {rank} refused its part of the update", "mend what it says there")
RECORD_STATE = Refusal("it is of {found}, and the recorder of {own}", "make the recorder as it was made then")
RECORD_NO_STATE = Refusal("it has {found} where a recorder has {wanted}", "give what state_dict or arrays returned")
HISTORY_THERE = Refusal(
    "it holds a history already", "load the recorder's state to go on with it, or name another folder"
)
HISTORY_LOST = Refusal(
    "it does not hold the history up to epoch {epoch:,}, which the state knows of",
    "name the folder that was recorded to",
)
MEASURE_LOSS_SHAPE = Refusal(
    "it gives {found} for {count:,} examples", "give one number an example, as with reduction='none'"
)
MEASURE_NOT_FINITE = Refusal(
    "the {what} of example {row:,} is NaN or an infinity", "look at the example, or take a model that did not diverge"
)
MEASURE_IN_TRAINING = Refusal(
    "{layer!r} is a {kind}, which makes what is measured {what}", "measure in mode='eval', or leave that layer out"
)
MEASURE_BATCH_STATISTICS = Refusal(
    "{layer!r} is a {kind} without running statistics, so that examples depend on each other",
    "make it with track_running_stats=True, or put a GroupNorm in its place",
)
MEASURE_NOTHING_LEARNS = Refusal(
    "no parameter that requires a gradient has a part in the loss", "unfreeze one, or leave 'grand' out"
)
MEASURE_TRAINING_MODE = Refusal("{layer} ({kind}) is in training mode", "call the model's eval() first")
GRADIENT_FROZEN = Refusal("it requires no gradient", "call its requires_grad_(), or choose other parameters")
GRADIENT_UNUSED = Refusal(
    "none of the {count:,} chosen parameters has a part in the loss",
    "choose others, or unfreeze what is to be measured",
)
ADAM_WITHOUT = Refusal(
    "it has no moments of the parameter {name!r}", "choose parameters that the optimiser has updated, by parameters="
)
ADAM_SHAPE = Refusal(
    "its moments of the parameter {name!r} have shape {found}, and the parameter has {wanted}",
    "give the state that belongs to this model",
)
ADAM_ORDER = Refusal(
    "it does not tell which parameters it is of ({said})", "give names=, in the order in which the optimiser got them"
)
ADAM_GROUPS = Refusal("its groups of parameters have other {what}", "measure the parameters of one group at a time")
MEASURE_WITHOUT_LABELS = Refusal(
    "its examples are {found}, and labels are needed",
    "give pairs (input, label), triples with the number of the example, or dicts with 'labels'",
)
MEASURE_LABELS = Refusal(
    "the label of example {row:,} {said}", "give integers from 0 to {last:,} (in sequences, -100 is not counted)"
)
MEASURE_LOGITS = Refusal("the model gives {found}, and labels are {labels}", "give logits of two classes or more")
MEASURE_DATASET = Refusal("it {found}", "give a dataset with a length and at least one row, or a list of examples")
MEASURE_WITHOUT_LINEAR = Refusal("the model uses no linear layer {what}", "leave {name!r} out")
MEASURE_NOT_OF_SEQUENCES = Refusal("examples have {positions:,} labels each", "leave {name!r} out")
VOG_CHECKPOINTS = Refusal("there are {count}, and variance is of two or more", "give checkpoints of two epochs")
VOG_OTHER_MODEL = Refusal("it does not fit the model ({said})", "give checkpoints of this model")
VOG_INPUTS = Refusal(
    "inputs are {found}, and gradients are those of one tensor of floats", "give floats, as vectors of tokens"
)
THRESHOLD_TOO_FEW = Refusal(
    "{n:,} examples of {classes:,} classes are too few for threshold examples, of which there are n / K in a run",
    "give at least as many examples as classes",
)
THRESHOLD_UNVISITED = Refusal(
    "that of example {id:,} is {value}", "record every example in both runs, up to the first drop of the learning rate"
)
SAMPLER_SHAPES = Refusal("its shape is {found}", "give numbers of shape {wanted}")
SAMPLER_NOT_FINITE = Refusal("number {place:,} is {value}", "look for where training diverged")
SAMPLER_IDS = Refusal("{value} is none of the {n:,} examples", "give integers from 0 to {last:,}")
SAMPLER_DOMAINS = Refusal("it is no list of whole numbers", "give how many examples each domain has")
SAMPLER_DOMAIN_EMPTY = Refusal("it has {size:,} examples", "leave it out, or give it some")
SAMPLER_COOLDOWN = Refusal("starts must ascend from 0", "write it as in ((0, 5.0), (100_000, 1.0))")
SAMPLER_WEIGHT = Refusal("it is {value:g}", "give finite weights of at least 0")
SAMPLER_WEIGHTS_ZERO = Refusal("all of them are 0", "give at least one above 0")
SAMPLER_DRAWS = Refusal("{positive:,} examples have a weight above 0", "ask for at most that, or for replacement=True")
SAMPLER_UNTOLD = Refusal(
    "epoch {epoch:,} begins, and no loss of the epoch before was told",
    "call update(ids, losses) after every step (a schedule of tamis bench: tell the loss of every batch)",
)
SAMPLER_STATE = Refusal("it was saved with {name}={found}, and this is {name}={wanted}", "make the sampler as it was")
SAMPLER_STATE_OF_OTHER = Refusal("it is no state of a {wanted}", "give what its state_dict returned")
SAMPLER_RESUME = Refusal(
    "a loaded state goes on at {place}, which would be lost", "begin with range(sampler.epoch, …), here with {epoch}"
)
SAMPLER_RANK = Refusal(
    "of {world} processes there is none with that rank", "give rank= from 0 to world - 1, with world="
)
SAMPLER_BATCHLESS = Refusal(
    "an epoch has {count:,} examples on this process, so that no batch is full", "use a smaller batch, or keep the last"
)
SAMPLER_PROCESSES = Refusal(
    "it is of {found}, and {wanted} processes train", "make it with rank=, world={wanted} and even=True"
)
SAMPLER_ROWS = Refusal(
    "it is of {found:,} examples, and the data set has {wanted:,}", "make it for the data set that is trained on"
)
TRAINER_SETTING = Refusal("it {why}", "give {wanted}")
CHECKPOINT_STATELESS = Refusal("it holds no state of {what}", "go on from a checkpoint that was saved with it")
CHECKPOINT_OF_OTHER = Refusal(
    "it was saved with {name}={found}, and this is {name}={wanted}", "go on with what it was saved with"
)
LOSS_OF_OTHERS = Refusal(
    "the model's loss is {found:.4g}, and the mean loss of its examples {own:.4g}",
    "override example_losses with the loss that it is trained with",
)
STEP_WITHOUT = Refusal("it returned {found}, without {name!r}", "return a dict with {wanted}")
ROW_NOT_SELECTED = Refusal("the selection does not keep {row:,}", "ask for what the sampler yields")
SCHEDULE_OF_ALL = Refusal(
    "it decides itself how much of all rows an epoch visits, and {count:,} of {n:,} are allowed", "use a budget of 100%"
)

CATALOGUE = {name.lower().replace("_", "-"): found for name, found in globals().items() if isinstance(found, Refusal)}
for _name, _found in CATALOGUE.items():
    _found.name = _name
