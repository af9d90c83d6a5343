/**
 * How long a stack spans, in classes. Stacks that span an instant are found class by class: one of a class ends at
 * most that class's length after an instant that it spans.
 */

/** Upper bounds of the classes in hours, exclusive; the last class has none. */
const CLASS_HOURS = [1, 6, 24, 24 * 7, 24 * 30]
/** Hours longer than anything can span. */
const ENDLESS_HOURS = 24 * 366 * 10_000

/** The class of a row of `stacks`; an index is on this very expression. `of` is the table's alias with its dot. */
export function stackClass(of: '' | 's.'): string {
  return `(CASE ${CLASS_HOURS.map(
    (hours, index) =>
      `WHEN ${of}last_event_at - ${of}first_event_at < interval '${hours} hours' THEN ${index}`,
  ).join(' ')} ELSE ${CLASS_HOURS.length} END)`
}

/** All classes with their lengths, as rows `(class, length)` of a VALUES list. */
export const CLASS_ROWS = [...CLASS_HOURS, ENDLESS_HOURS]
  .map((hours, index) => `(${index}, interval '${hours} hours')`)
  .join(', ')
