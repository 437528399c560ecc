//! Slips of the pen.

use super::Draw;

/// One letter dropped, doubled, changed, or swapped with its neighbour.
pub(super) fn slip(draw: &mut Draw, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 3 {
        return text.to_owned();
    }
    let place = draw.below(letters.len());
    match draw.below(4) {
        0 => drop(letters.remove(place)),
        1 => letters.insert(place, letters[place]),
        2 => {
            let near = draw.below(26) as u8;
            letters[place] = char::from(b'a' + near);
        }
        _ if place + 1 < letters.len() => letters.swap(place, place + 1),
        _ => {}
    }
    letters.into_iter().collect()
}
