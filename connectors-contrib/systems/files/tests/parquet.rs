//! Parquet files, as other programs write them.

#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use accordant::connector::{Connector as _, ConnectorErrorKind, ReadAnswer};
use accordant::id::SurfaceName;
use accordant::schema::FieldKind;
use accordant_files::{File, Files};
use accordant_rehearsal::{key, walk};
use futures::executor::block_on;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

const SCHEMA: &str = "message customers {
    REQUIRED INT64 id;
    OPTIONAL BYTE_ARRAY name (UTF8);
    REQUIRED INT64 credit (DECIMAL(18, 2));
    REQUIRED INT32 born (DATE);
    REQUIRED INT64 changed (TIMESTAMP_MICROS);
    REQUIRED DOUBLE rate;
}";

/// Groups of these many rows, numbered from one on; each third has no name.
fn written(path: &Path, groups: &[i64], compression: Compression) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(fs::File::create(path).unwrap(), schema, properties).unwrap();
    let mut from = 1;
    for rows in groups {
        let ids: Vec<i64> = (from..from + rows).collect();
        let mut group = writer.next_row_group().unwrap();
        macro_rules! column {
            ($kind:ty, $values:expr, $levels:expr) => {
                let mut column = group.next_column().unwrap().unwrap();
                column.typed::<$kind>().write_batch(&$values, $levels, None).unwrap();
                column.close().unwrap();
            };
        }
        column!(Int64Type, ids, None);
        let named: Vec<ByteArray> =
            ids.iter().filter(|id| *id % 3 != 0).map(|id| ByteArray::from(format!("n\"{id}").as_str())).collect();
        let levels: Vec<i16> = ids.iter().map(|id| i16::from(id % 3 != 0)).collect();
        column!(ByteArrayType, named, Some(&levels));
        column!(Int64Type, ids.iter().map(|id| -id * 101).collect::<Vec<_>>(), None);
        column!(Int32Type, ids.iter().map(|_| 20_778).collect::<Vec<i32>>(), None);
        column!(Int64Type, ids.iter().map(|id| 1_795_248_000_123_456 + id).collect::<Vec<_>>(), None);
        column!(DoubleType, ids.iter().map(|_| 0.1).collect::<Vec<f64>>(), None);
        group.close().unwrap();
        from += rows;
    }
    writer.close().unwrap();
}

fn files(file: File) -> Files {
    Files::new("export").file("customers", file)
}

#[test]
fn every_row_is_read_once_and_to_the_last_digit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.parquet");
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(Default::default()),
        Compression::GZIP(Default::default()),
    ] {
        written(&path, &[5, 1, 4], compression);
        for rows in [1, 3, 5, 100] {
            let parquet = files(File::parquet(&path).page(rows));
            let (items, _) = block_on(walk(&parquet, "customers.scan", None));
            let bodies: Vec<&str> = items.iter().map(|item| std::str::from_utf8(&item.body).unwrap()).collect();
            assert_eq!(bodies.len(), 10, "{rows} a page, {compression}");
            let second = concat!(
                r#"{"id":2,"name":"n\"2","credit":-2.02,"born":"2026-11-21","#,
                r#""changed":"2026-11-21T08:00:00.123458Z","rate":0.1}"#
            );
            assert_eq!(bodies[1], second);
            assert!(bodies[8].contains(r#""id":9,"name":null"#), "{}", bodies[8]);
        }
    }
    let parquet = files(File::parquet(&path).page(3));
    let answers = block_on(parquet.read_records(&[key("customers", "10"), key("customers", "11")])).unwrap();
    assert!(matches!(answers[0], ReadAnswer::Found(_)) && matches!(answers[1], ReadAnswer::Gone));
}

#[test]
fn a_file_that_was_cut_off_has_no_rows_to_believe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.parquet");
    written(&path, &[5], Compression::UNCOMPRESSED);
    let whole = fs::read(&path).unwrap();
    for length in [0, 4, 11, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let parquet = files(File::parquet(&path));
        let error = block_on(parquet.read_page(&SurfaceName::from("customers.scan"), None)).unwrap_err();
        assert_eq!(error.kind, ConnectorErrorKind::Malformed, "{length}");
        let answers = block_on(parquet.read_records(&[key("customers", "1")])).unwrap();
        assert!(matches!(answers[0], ReadAnswer::Failed(_)), "{length}");
    }
}

#[test]
fn a_file_says_what_its_columns_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("customers.parquet");
    written(&path, &[2], Compression::UNCOMPRESSED);
    let files = Files::new("export").file("customers", File::parquet(&path));
    assert!(files.describes());
    let described = block_on(files.describe(&["customers".into()])).unwrap();
    let told: Vec<(String, FieldKind)> =
        described[0].fields.iter().map(|field| (field.path.to_string(), field.kind.clone())).collect();
    let expected = [
        ("id", FieldKind::Integer),
        ("name", FieldKind::Text),
        ("credit", FieldKind::Number),
        ("born", FieldKind::Date),
        ("changed", FieldKind::Instant),
        ("rate", FieldKind::Number),
    ];
    assert_eq!(told, expected.map(|(name, kind)| (name.to_owned(), kind)));
}
