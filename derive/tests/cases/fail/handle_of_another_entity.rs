use accordant::Canonical;
use accordant::model::Attribute;

#[derive(Canonical)]
#[canonical(entity = "customer", system(hubspot, object = "contacts"))]
struct Customer {
    #[canonical(at(hubspot = "email"))]
    email: String,
}

#[derive(Canonical)]
#[canonical(entity = "employee", system(hubspot, object = "owners"))]
struct Employee {
    #[canonical(at(hubspot = "email"))]
    email: String,
}

fn of_employee<T>(_: Attribute<Employee, T>) {}

fn main() {
    of_employee(Employee::EMAIL);
    of_employee(Customer::EMAIL);
}
